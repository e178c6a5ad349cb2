# Versions of the shared libraries, and what hosts of the static ones link beside them.
if(BUILD_SHARED_LIBS)
  # Versions below 1.0 promise no binary compatibility from one minor version to the next. A wheel holds no symbolic links.
  if(NOT SKBUILD)
    set_target_properties(ecostep ecostep_fortran PROPERTIES
      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  endif()
else()
  # The library lies in the host's program; its plugin is then looked for beside that, and where it was installed.
  target_compile_definitions(ecostep PRIVATE ECOSTEP_PLUGIN_FOLDER="${CMAKE_INSTALL_FULL_LIBDIR}")
  # Hosts in C and Fortran are linked by their own compilers, which do not add the run time of C++.
  set(cxx_runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
  list(FILTER cxx_runtime INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
  list(REMOVE_DUPLICATES cxx_runtime)
  target_link_libraries(ecostep INTERFACE ${cxx_runtime})
endif()
