# The native backend: reader and executor of native programs, and the kernels, compiled once for each instruction set and always with
# optimisation, since a checking build would otherwise take minutes for what takes seconds. Each source of kernels has internal linkage
# only, so that no code for a newer processor is shared with the rest.
set(native_options -Wall -Wextra $<$<BOOL:${ECOSTEP_WARNINGS_AS_ERRORS}>:-Werror> -ffp-contract=off)
set(kernel_options ${native_options} -O3 -fno-math-errno -fno-trapping-math)
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
set(native_definitions "")
set(native_kernels "")

function(add_kernels name)
  add_library(ecostep_kernels_${name} OBJECT src/backends/native/kernels.cpp)
  target_compile_definitions(ecostep_kernels_${name} PRIVATE ECOSTEP_KERNELS=kernels_${name} ECOSTEP_KERNELS_NAME="${name}")
  target_compile_options(ecostep_kernels_${name} PRIVATE ${kernel_options} ${ARGN})
  target_include_directories(ecostep_kernels_${name} PRIVATE src include)
  set_target_properties(ecostep_kernels_${name} PROPERTIES CXX_VISIBILITY_PRESET hidden)
  set(native_kernels ${native_kernels} $<TARGET_OBJECTS:ecostep_kernels_${name}> PARENT_SCOPE)
endfunction()

if(processor MATCHES "x86_64|amd64")
  set(native_definitions ECOSTEP_X86)
  add_kernels(baseline)
  add_kernels(avx2 -mavx2 -mfma)
  add_kernels(avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
else()
  add_kernels(baseline)
endif()

set(native src/backends/native)
add_library(ecostep_native OBJECT
  ${native}/cell_by_cell.cpp ${native}/check.cpp ${native}/choose_kernels.cpp ${native}/executor.cpp ${native}/json.cpp
  ${native}/plan.cpp ${native}/program.cpp ${native}/reader.cpp ${native}/weights.cpp)
target_include_directories(ecostep_native PUBLIC src include)
target_compile_definitions(ecostep_native PUBLIC ${native_definitions})
target_compile_options(ecostep_native PRIVATE ${native_options})
set_target_properties(ecostep_native PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

target_sources(ecostep PRIVATE src/backends/native/native_backend.cpp $<TARGET_OBJECTS:ecostep_native> ${native_kernels})
target_compile_definitions(ecostep PRIVATE ${native_definitions})
set_property(GLOBAL PROPERTY ecostep_native_kernels "${native_kernels}")
set_property(GLOBAL PROPERTY ecostep_native_definitions "${native_definitions}")
