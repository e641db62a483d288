# Tests of workers/host.
foreach(name result_cache_test worker_activity_test worker_host_test worker_lifecycle_test worker_turns_test worker_workflow_task_test)
  wfe_test(${name} DEPS wfe_worker wfe_core wfe_client wfe_sdk temporal_protos)
endforeach()

# The installed SDK: a program of its own is configured, built against it and run.
add_test(NAME installed_sdk_test
         COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/installed_sdk.sh" "${CMAKE_BINARY_DIR}/bin/wfe" "${CMAKE_SOURCE_DIR}"
                 "${CMAKE_BINARY_DIR}" "${CMAKE_CXX_COMPILER}" ${outside_flags})
set_tests_properties(installed_sdk_test PROPERTIES LABELS "rocksdb;grpc" TIMEOUT 300)
