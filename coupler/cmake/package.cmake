# What hosts find: headers, libraries, Fortran module and source, find_package(ecostep) and pkg-config.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ecostep")

install(TARGETS ecostep EXPORT ecostepTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ecostep_fortran EXPORT ecostepFortranTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/ecostep.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# The module file serves hosts built with the same compiler; others compile the source.
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/fortran_modules/ecostep.mod" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ecostep)
install(FILES fortran/ecostep.f90 bmi/bmif_2_0.f90 bmi/ecostep_bmi.f90 bmi/register_bmi.f90
        DESTINATION ${CMAKE_INSTALL_DATADIR}/ecostep/fortran)

foreach(set ecostepTargets ecostepFortranTargets)
  install(EXPORT ${set} NAMESPACE ecostep:: DESTINATION ${package_dir})
endforeach()
string(REGEX MATCH "^[0-9]+" fortran_compiler_major "${CMAKE_Fortran_COMPILER_VERSION}")
configure_file(cmake/ecostepFortran.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/ecostepFortran.cmake" @ONLY)
configure_package_config_file(cmake/ecostepConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/ecostepConfig.cmake"
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_DATADIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/ecostepConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ecostepConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/ecostepConfigVersion.cmake"
        "${CMAKE_CURRENT_BINARY_DIR}/ecostepFortran.cmake"
        DESTINATION ${package_dir})

# Folders seen from the prefix, so that it can be moved, unless they were given as absolute ones.
file(RELATIVE_PATH prefix_from_pkgconfig "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
foreach(folder libdir includedir datadir)
  string(TOUPPER "CMAKE_INSTALL_${folder}" option)
  set(pkgconfig_${folder} "${${option}}")
  if(NOT IS_ABSOLUTE "${${option}}")
    set(pkgconfig_${folder} "\${prefix}/${${option}}")
  endif()
endforeach()
# A host of the static library links what it needs, whether or not it asks pkg-config for --static.
set(pkgconfig_link "-Wl,-rpath,\${libdir} -lecostep")
if(NOT BUILD_SHARED_LIBS)
  set(pkgconfig_link "-lecostep -lz")
  foreach(library IN LISTS cxx_runtime CMAKE_DL_LIBS)
    string(APPEND pkgconfig_link " -l${library}")
  endforeach()
endif()
configure_file(cmake/ecostep.pc.in "${CMAKE_CURRENT_BINARY_DIR}/ecostep.pc" @ONLY)
configure_file(cmake/ecostep_fortran.pc.in "${CMAKE_CURRENT_BINARY_DIR}/ecostep_fortran.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ecostep.pc" "${CMAKE_CURRENT_BINARY_DIR}/ecostep_fortran.pc"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# A stand-in artefact with which a host is built and tested before there is a trained one.
add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/stub.pt"
  COMMAND ${CMAKE_COMMAND} -E tar cf "${CMAKE_CURRENT_BINARY_DIR}/stub.pt" --format=zip extra/ecostep.json
  DEPENDS examples/stub/extra/ecostep.json WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/examples/stub")
add_custom_target(ecostep_stub ALL DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/stub.pt")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/stub.pt" DESTINATION ${CMAKE_INSTALL_DATADIR}/ecostep)
