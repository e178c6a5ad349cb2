# Run at every build: version.f90 names the commit that last changed the program's sources, with -dirty where they
# differ from it. Written only when it changes, so that nothing is compiled again without need.
find_package(Git QUIET)
set(ECOSYS_GIT_HASH "unknown")
if(Git_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%h --abbrev=12 -- . WORKING_DIRECTORY ${SOURCE_DIR}
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND commit)
    set(ECOSYS_GIT_HASH ${commit})
    execute_process(COMMAND ${GIT_EXECUTABLE} diff --quiet HEAD -- . WORKING_DIRECTORY ${SOURCE_DIR}
                    ERROR_QUIET RESULT_VARIABLE changed)
    if(changed)
      string(APPEND ECOSYS_GIT_HASH "-dirty")
    endif()
  endif()
endif()
configure_file(${SOURCE_DIR}/program/version.f90.in ${VERSION_FILE} @ONLY)
