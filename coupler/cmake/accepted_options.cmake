# Options of packagers and hosts that this project cannot follow: refused.

# Numbers that are not finite are found by comparisons which these options take away; linking with them changes the floating-point state
# of the host that loads the library. Sources test it too (core/finite_math.h), for options that come by other ways.
set(forbidden "(^| )(-ffast-math|-Ofast|-ffinite-math-only|-funsafe-math-optimizations|-fassociative-math|-fp-model[ =]fast[^ ]*)( |$)")
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
foreach(flags CMAKE_C_FLAGS CMAKE_CXX_FLAGS CMAKE_Fortran_FLAGS CMAKE_SHARED_LINKER_FLAGS CMAKE_MODULE_LINKER_FLAGS CMAKE_EXE_LINKER_FLAGS)
  set(all_flags "${${flags}} ${${flags}_${build_type}}")
  if(all_flags MATCHES "${forbidden}")
    message(FATAL_ERROR "${flags} has ${CMAKE_MATCH_2}, which takes the tests for NaN and infinity away: build ecostep without it")
  endif()
endforeach()
get_directory_property(directory_options COMPILE_OPTIONS)
string(REPLACE ";" " " directory_options "${directory_options}")
if(directory_options MATCHES "${forbidden}")
  message(FATAL_ERROR "the compile options of ${CMAKE_CURRENT_SOURCE_DIR} have ${CMAKE_MATCH_2}, which takes the tests for NaN and infinity "
                      "away: build ecostep without it")
endif()
