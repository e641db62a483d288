// Limits of one execution: Temporal's defaults (S13, S31, S51, S54-S58, S60, S62, S103), all configurable.
#pragma once

#include <cstdint>

#include "engine/base/time.h"

namespace wfe::history {

struct Limits {
  int64_t max_id_bytes = 1000;            // S13
  int64_t max_payload_bytes = 2 << 20;    // S56
  int64_t max_pending_activities = 2000;  // S31
  int64_t max_pending_timers = 2000;
  int64_t max_pending_children = 2000;   // S31, for child workflows
  int64_t max_pending_externals = 2000;  // the same for signals to other workflows, and for cancel requests
  int64_t max_signals = 10000;                                           // S62
  int64_t max_buffered_events = 100;                                     // S51
  int64_t max_buffered_bytes = 2 << 20;                                  // S51
  int64_t max_history_events = 51200;                                    // S54: the run is terminated
  int64_t max_history_bytes = 50 << 20;                                  // S54
  int64_t suggest_continue_as_new_events = 4096;                         // S55
  int64_t suggest_continue_as_new_bytes = 4 << 20;                       // S55
  int64_t max_state_bytes = 8 << 20;                                     // S58: the run is terminated
  int64_t max_summary_bytes = 400;                                       // S60
  int64_t max_details_bytes = 20'000;                                    // S60
  int64_t max_search_attributes = 100;                                   // S103: keys, bytes of a value, of all
  int64_t max_search_attribute_bytes = 2 << 10;                          // S103
  int64_t max_search_attributes_bytes = 40 << 10;                        // S103
  int64_t max_activity_failure_bytes = 4 << 10;                          // S32
  Duration default_workflow_task_timeout = std::chrono::seconds(10);     // S8
  Duration max_workflow_task_timeout = std::chrono::minutes(10);         // S43
  Duration max_workflow_task_retry_interval = std::chrono::minutes(10);  // back-off of a task that keeps failing
};

}  // namespace wfe::history
