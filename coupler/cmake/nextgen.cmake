# The BMI component as NextGen (https://github.com/NOAA-OWP/ngen) compiles it: the same source, but for the name of the module with the
# abstract type, bmif_2_0_iso, and of the first dummy argument, `this` there and `self` in bmi-fortran 2.0.3. Fortran asks that the
# names of arguments agree.
set(nextgen_dir "${CMAKE_CURRENT_BINARY_DIR}/nextgen")
foreach(source ecostep_bmi register_bmi)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/bmi/${source}.f90")
  file(READ "${CMAKE_CURRENT_SOURCE_DIR}/bmi/${source}.f90" text)
  string(REPLACE "bmif_2_0" "bmif_2_0_iso" text "${text}")
  string(REGEX REPLACE "([^A-Za-z_])self([^A-Za-z_;])" "\\1this\\2" text "${text}")
  file(CONFIGURE OUTPUT "${nextgen_dir}/${source}.f90" CONTENT "${text}" @ONLY)
endforeach()
install(FILES "${nextgen_dir}/ecostep_bmi.f90" "${nextgen_dir}/register_bmi.f90" DESTINATION ${CMAKE_INSTALL_DATADIR}/ecostep/fortran/nextgen)
