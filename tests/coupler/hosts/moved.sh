# moved.sh PREFIX LIBDIR CC FC EXAMPLES WORK CMAKE GENERATOR: move the installed package and build hosts against it with CMake and
# pkg-config. What they load must come from the new place.
prefix=$1 libdir=$2 cc=$3 fc=$4 examples=$5 work=$6 cmake=$7 generator=$8
here=$(dirname "$0")
rm -rf "$work" && mkdir -p "$work"
mv "$prefix" "$work/elsewhere"
moved="$work/elsewhere"
stub="$moved/share/ecostep/stub.pt"

"$cmake" -S "$here/moved" -B "$work/build" -G "$generator" -DCMAKE_PREFIX_PATH="$moved" -DEXAMPLES="$examples" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_Fortran_COMPILER="$fc"
"$cmake" --build "$work/build"
"$work/build/c_host" "$stub" "$work/restart.bin"
"$work/build/fortran_host" "$stub"
if command -v pkg-config >/dev/null; then
    sh -e "$here/pkg_config.sh" "$moved" "$libdir" "$cc" "$fc" "$examples" "$work/pkg_config"
fi
for program in "$work"/build/*_host "$work"/pkg_config/c_host "$work"/pkg_config/with_module; do
    [ -e "$program" ] || continue
    ldd "$program" >"$work/loaded.txt"
    grep -q "libecostep.so.* => $moved/" "$work/loaded.txt" || { cat "$work/loaded.txt"; exit 1; }
    ! grep "not found" "$work/loaded.txt"
done
