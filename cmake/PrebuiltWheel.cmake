# For pip: a wheel made of what another build tree has compiled (BURNISH_PREBUILT) instead of compiling it again. Same
# files, same places as in src/python/CMakeLists.txt.
file(GLOB extension "${BURNISH_PREBUILT}/python/burnish/_core.*")
if(NOT extension OR NOT EXISTS "${BURNISH_PREBUILT}/bin/burnish")
  message(FATAL_ERROR "'${BURNISH_PREBUILT}' has no Python extension: run scripts/build.sh release first")
endif()
install(FILES ${extension} DESTINATION burnish COMPONENT python)
install(PROGRAMS "${BURNISH_PREBUILT}/bin/burnish" DESTINATION "${SKBUILD_SCRIPTS_DIR}" COMPONENT python)
foreach(target burnish burnish_python burnish_python_stub)  # what pyproject.toml asks for
  add_custom_target(${target})
endforeach()
