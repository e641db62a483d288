# Tests of workers/host.
foreach(name worker_activity_test worker_host_test worker_lifecycle_test worker_workflow_task_test)
  wfe_test(${name} DEPS wfe_worker wfe_core wfe_client wfe_sdk temporal_protos)
endforeach()
