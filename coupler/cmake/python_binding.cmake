# The compiled part of the Python package `coupler`.
if(NOT ECOSTEP_PYTHON)
  return()
endif()
if(Python_Interpreter_FOUND AND NOT pybind11_DIR)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m pybind11 --cmakedir
                  OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(PYBIND11_FINDPYTHON ON)
find_package(pybind11 CONFIG)
if(NOT pybind11_FOUND OR NOT Python_Development.Module_FOUND)
  message(FATAL_ERROR "The Python binding needs pybind11 and the headers of Python (Debian: apt install python3-dev; "
                      "pip install pybind11), or -DECOSTEP_PYTHON=OFF")
endif()

pybind11_add_module(ecostep_binding python/binding.cpp)
set_target_properties(ecostep_binding PROPERTIES OUTPUT_NAME _binding)
target_compile_options(ecostep_binding PRIVATE -Wall -Wextra)
target_link_libraries(ecostep_binding PRIVATE ecostep)

# The binding finds the library by the layout of the environment it is installed in.
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c
          "import os, sys, sysconfig as s; d = s.get_path('data'); p = s.get_path('platlib'); print(os.path.relpath(os.path.join(d, sys.argv[1]), os.path.join(p, 'coupler', 'python'))); print(os.path.relpath(p, d))"
          "${CMAKE_INSTALL_LIBDIR}"
  OUTPUT_VARIABLE layout OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "\n" ";" layout "${layout}")
list(GET layout 0 lib_from_binding)
list(GET layout 1 platlib_from_prefix)
set(platlib_from_prefix "${platlib_from_prefix}" CACHE INTERNAL "Where Python packages go, from the prefix")
set_target_properties(ecostep_binding PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_binding}")

if(SKBUILD)
  install(TARGETS ecostep_binding LIBRARY DESTINATION "${SKBUILD_PLATLIB_DIR}/coupler/python")
  # Not by wheel.packages of pyproject.toml, which in an editable install would make the root of the sources a part of the package.
  if(SKBUILD_STATE STREQUAL "wheel")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs/" DESTINATION "${SKBUILD_PLATLIB_DIR}/foundations/configs")
  endif()
else()
  install(TARGETS ecostep_binding LIBRARY DESTINATION "${platlib_from_prefix}/coupler/python")
  install(FILES __init__.py DESTINATION "${platlib_from_prefix}/coupler")
  install(DIRECTORY python/ DESTINATION "${platlib_from_prefix}/coupler/python" FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi")
  install(DIRECTORY cli/ DESTINATION "${platlib_from_prefix}/coupler/cli" FILES_MATCHING PATTERN "*.py")
  install(DIRECTORY bmi/ DESTINATION "${platlib_from_prefix}/coupler/bmi" FILES_MATCHING PATTERN "*.py")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/foundations/" DESTINATION "${platlib_from_prefix}/foundations"
    FILES_MATCHING PATTERN "*.py" PATTERN "*.csv")
endif()
