# Toolchain of 64-bit ARM Linux on another machine, with Debian's cross compilers; programs of the build, such as tests, run under qemu.
#   dpkg --add-architecture arm64 && apt update
#   apt install g++-aarch64-linux-gnu gfortran-aarch64-linux-gnu zlib1g-dev:arm64 qemu-user
#   cmake -S . -B build/arm -DCMAKE_TOOLCHAIN_FILE=coupler/cmake/aarch64-linux-gnu.cmake -DECOSTEP_ECOSYS=OFF -DECOSTEP_PYTHON=OFF -DECOSTEP_TORCH=OFF
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_Fortran_COMPILER aarch64-linux-gnu-gfortran)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
