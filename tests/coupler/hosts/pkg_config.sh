# pkg_config.sh PREFIX LIBDIR CC FC EXAMPLES WORK: the examples without CMake, the Fortran one with its module compiled from source as well.
prefix=$1 libdir=$2 cc=$3 fc=$4 examples=$5 work=$6
export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig"
rm -rf "$work" && mkdir -p "$work" && cd "$work"
stub="$prefix/share/ecostep/stub.pt"

$cc "$examples/04_c/main.c" $(pkg-config --cflags --libs ecostep) -o c_host
./c_host "$stub" restart.bin
$fc "$examples/01_minimal_fortran/main.f90" $(pkg-config --cflags --libs ecostep_fortran) -o with_module
./with_module "$stub" >with_module.txt
$fc "$(pkg-config --variable=fortran_source ecostep_fortran)" "$examples/01_minimal_fortran/main.f90" \
    $(pkg-config --libs ecostep) -o from_source
./from_source "$stub" >from_source.txt
cmp with_module.txt from_source.txt
