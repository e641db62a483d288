# What `cmake --install` puts into a prefix.
#
#   component program   bin/wfe, share/wfe with the templates and samples that it reads, the manual page, completions
#   component sdk       the C++ SDK as the CMake package `wfe`: headers, static libraries, targets wfe::sdk and wfe::worker, and
#                       wfe::embedded (find_package's component `embedded`), which brings the engine along
#
# Headers keep their paths below include/wfe, so that a program includes "workers/sdk/workflow.h" inside and outside of this
# tree.  Those of the network, Temporal's messages and RocksDB stay at home: an installed header needs nlohmann/json alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# wfe_sdk_targets(): wfe::sdk, wfe::worker and what they stand on, under the names that the package gives them.
set(WFE_SDK_TARGETS wfe_base wfe_sdk temporal_protos wfe_protos wfe_core wfe_client wfe_worker)
function(wfe_sdk_targets)
  foreach(target IN LISTS WFE_SDK_TARGETS)
    string(REGEX REPLACE "^wfe_" "" name "${target}")
    set_target_properties(${target} PROPERTIES EXPORT_NAME "${name}")
    add_library(wfe::${name} ALIAS ${target})
  endforeach()
  foreach(target wfe_base wfe_sdk wfe_worker)
    target_include_directories(${target} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/wfe>")
    target_compile_features(${target} INTERFACE cxx_std_20)
  endforeach()
endfunction()

function(wfe_install)
  wfe_sdk_targets()
  set(texts "${PROJECT_BINARY_DIR}/texts")
  install(FILES "${texts}/wfe.1.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT program)
  install(FILES "${texts}/wfe.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME wfe
          COMPONENT program)
  install(FILES "${texts}/wfe.zsh" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" RENAME _wfe
          COMPONENT program)
  install(FILES "${texts}/wfe.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT program)
  install(FILES README.md docs/changelog.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
  install(TARGETS wfe RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  foreach(folder templates samples)
    install(DIRECTORY "workflows/audited_build/${folder}"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/wfe/workflows/audited_build" COMPONENT program)
  endforeach()

  # wfe::embedded, and the rooms of the engine that it stands on.
  set(engine wfe_history wfe_schedules wfe_matching wfe_timers wfe_storage wfe_visibility wfe_shard wfe_records wfe_runtime
             wfe_frontend wfe_local wfe_embedded)
  if(TARGET wfe_unit_engine)
    list(APPEND engine wfe_unit_engine)
  endif()
  foreach(target IN LISTS engine)
    string(REGEX REPLACE "^wfe_" "" name "${target}")
    set_target_properties(${target} PROPERTIES EXPORT_NAME "${name}")
  endforeach()
  target_compile_features(wfe_embedded INTERFACE cxx_std_20)

  # The lib folder is for others too.
  set_target_properties(temporal_protos PROPERTIES OUTPUT_NAME wfe_temporal_protos)

  install(TARGETS ${WFE_SDK_TARGETS} EXPORT wfe_targets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT sdk)
  install(TARGETS ${engine} EXPORT wfe_embedded_targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT sdk)
  install(FILES workers/host/run_worker.h workers/host/workflow_client.h workers/host/workflow_connection.h
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/wfe/workers/host" COMPONENT sdk)
  install(FILES workers/embedded/engine.h
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/wfe/workers/embedded" COMPONENT sdk)
  foreach(folder engine/base workers/sdk)
    install(DIRECTORY "${folder}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/wfe/${folder}" COMPONENT sdk
            FILES_MATCHING PATTERN "*.h" PATTERN "record*.h" EXCLUDE  # need Boost
            PATTERN "base_pch.h" EXCLUDE PATTERN "proto_time.h" EXCLUDE)
  endforeach()

  set(package "${CMAKE_INSTALL_LIBDIR}/cmake/wfe")
  install(EXPORT wfe_targets FILE wfeTargets.cmake NAMESPACE wfe:: DESTINATION "${package}" COMPONENT sdk)
  install(EXPORT wfe_embedded_targets FILE wfeEmbeddedTargets.cmake NAMESPACE wfe:: DESTINATION "${package}"
          COMPONENT sdk)
  configure_package_config_file(tools/cmake/wfeConfig.cmake.in "${PROJECT_BINARY_DIR}/wfeConfig.cmake"
                                INSTALL_DESTINATION "${package}")
  # Before 1.0 every minor version may change the SDK.
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/wfeConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/wfeConfig.cmake" "${PROJECT_BINARY_DIR}/wfeConfigVersion.cmake"
          DESTINATION "${package}" COMPONENT sdk)
endfunction()
