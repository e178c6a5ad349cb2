# The TorchScript backend. Links torch, torch_cpu and c10 by file: find_package(Torch) would leak Caffe2 and MKL paths into the build.
# torch is looked for in ECOSTEP_TORCH_DIR (a libtorch, or the folder `torch` of a Python package), else in the Python of the build.
set(ECOSTEP_TORCH_DIR "" CACHE PATH "Folder with torch's include/ and lib/")
set(ECOSTEP_HAVE_TORCH OFF)
if(ECOSTEP_TORCH STREQUAL "OFF")
  return()
endif()

set(torch_dir "${ECOSTEP_TORCH_DIR}")
if(NOT torch_dir AND Python_Interpreter_FOUND)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT torch_dir OR NOT EXISTS "${torch_dir}/include/torch/script.h")
  if(ECOSTEP_TORCH STREQUAL "ON")
    message(FATAL_ERROR "ECOSTEP_TORCH=ON, but torch was not found: activate the environment that has it, "
                        "or give -DPython_EXECUTABLE=... or -DECOSTEP_TORCH_DIR=...")
  endif()
  message(STATUS "torch not found: ecostep is built without the torchscript backend")
  return()
endif()
set(ECOSTEP_HAVE_TORCH ON)
message(STATUS "torchscript backend with torch in ${torch_dir}")

# The operations that code of an artefact may use, as strings of C++.
set(torchscript_operations "${PROJECT_SOURCE_DIR}/foundations/torchscript_operations.csv")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${torchscript_operations}")
file(STRINGS "${torchscript_operations}" operations REGEX "::")
list(TRANSFORM operations REPLACE "^.*$" "\"\\0\"")
list(JOIN operations ",\n" operations)
file(CONFIGURE OUTPUT torchscript/torchscript_operations.inc CONTENT "@operations@\n" @ONLY)

add_library(ecostep_torch MODULE
  src/backends/torchscript/plugin/code_check.cpp src/backends/torchscript/plugin/step_graph.cpp
  src/backends/torchscript/plugin/storage_check.cpp
  src/backends/torchscript/plugin/torch_plugin.cpp)
set_target_properties(ecostep_torch PROPERTIES PREFIX "lib" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
if(EXISTS "${torch_dir}/include/torch/headeronly/version.h")
  set_target_properties(ecostep_torch PROPERTIES CXX_STANDARD 20)
endif()
target_include_directories(ecostep_torch PRIVATE include src "${CMAKE_CURRENT_BINARY_DIR}/torchscript")
target_include_directories(ecostep_torch SYSTEM PRIVATE "${torch_dir}/include" "${torch_dir}/include/torch/csrc/api/include")
target_compile_options(ecostep_torch PRIVATE -Wall -Wextra)
target_link_libraries(ecostep_torch PRIVATE ${CMAKE_DL_LIBS})
foreach(part torch torch_cpu c10)
  target_link_libraries(ecostep_torch PRIVATE
    "${torch_dir}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}${part}${CMAKE_SHARED_LIBRARY_SUFFIX}")
endforeach()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(ecostep_torch PRIVATE LINKER:--no-undefined) # a symbol that this torch lacks fails here, not in the host
endif()

# Where torch lies seen from the plugin's installed place: by the layout of the Python environment first, then where it was at build time.
set(torch_rpath "${torch_dir}/lib")
if(Python_Interpreter_FOUND)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import os, sys, sysconfig as s; d = s.get_path('data'); p = s.get_path('platlib'); l = os.path.join(d, sys.argv[1]); print(os.path.relpath(p, l))"
            "${CMAKE_INSTALL_LIBDIR}"
    OUTPUT_VARIABLE platlib_from_lib OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(PREPEND torch_rpath "$ORIGIN/${platlib_from_lib}/torch/lib")
endif()
set_target_properties(ecostep_torch PROPERTIES INSTALL_RPATH "${torch_rpath}")
install(TARGETS ecostep_torch LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
