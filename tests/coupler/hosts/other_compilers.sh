# other_compilers.sh PREFIX CC FC HOSTS EXAMPLES WORK CMAKE GENERATOR: hosts by compilers that did not build the package: the header,
# and the Fortran module from its source, with lists and tiles.
prefix=$1 cc=$2 fc=$3 hosts=$4 examples=$5 work=$6 cmake=$7 generator=$8
stub="$prefix/share/ecostep/stub.pt"
rm -rf "$work" && mkdir -p "$work"
"$cmake" -S "$hosts" -B "$work/build" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" -DEXAMPLES="$examples" -DOTHER_FORTRAN=ON \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_Fortran_COMPILER="$fc"
"$cmake" --build "$work/build"
"$work/build/c_host" "$stub" "$work/restart.bin"
"$work/build/fortran_host" "$stub"
"$work/build/tile_host" "$stub"
