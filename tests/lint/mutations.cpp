#include "tests/lint/mutations.h"

#include <algorithm>

#include "tests/lint/mutation_tools.h"

namespace wfe::lint {
namespace {

using namespace std::chrono_literals;

bool AnotherTaskFollows(const Events& events, size_t at) {
  return std::any_of(events.begin() + static_cast<std::ptrdiff_t>(at) + 1, events.end(),
                     [](const HistoryEvent& event) { return event.has_workflow_task_scheduled_event_attributes(); });
}

Mutation Drop(enums::EventType type, bool quietly) {
  return {std::string(quietly ? "drop and renumber " : "drop ") + enums::EventType_Name(type),
          [=](Events& events, Random& random) {
            const auto at = Pick(events, random, [&](size_t i) {
              return events[i].event_type() == type &&
                     (!quietly || type != enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED || AnotherTaskFollows(events, i));
            });
            // Without renumbering, the end may go missing unseen: that history is merely shorter.
            if (!at || *at + 1 == events.size()) return false;
            if (quietly) {
              Erase(events, *at);
            } else {
              events.erase(events.begin() + static_cast<std::ptrdiff_t>(*at));
            }
            return true;
          }};
}

bool IsEnd(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return true;
    default:
      return false;
  }
}

void AddListMutations(std::vector<Mutation>& mutations) {
  mutations.push_back({"swap two neighbours", [](Events& events, Random& random) {
                         const size_t at = Below(random, events.size() - 1);
                         std::swap(events[at], events[at + 1]);
                         return true;
                       }});
  mutations.push_back({"duplicate an event as it is", [](Events& events, Random& random) {
                         const size_t at = Below(random, events.size());
                         const HistoryEvent copy = events[at];
                         events.insert(events.begin() + static_cast<std::ptrdiff_t>(at), copy);
                         return true;
                       }});
  mutations.push_back({"drop the first event", [](Events& events, Random&) {
                         events.erase(events.begin());
                         return true;
                       }});
  mutations.push_back({"shift all ids", [](Events& events, Random&) {
                         Renumber(events, 0, 1);
                         return true;
                       }});
  mutations.push_back({"lose all events", [](Events& events, Random&) {
                         events.clear();
                         return true;
                       }});
  mutations.push_back({"flip an event id", [](Events& events, Random& random) {
                         HistoryEvent& event = events[Below(random, events.size())];
                         event.set_event_id(event.event_id() ^ 4);
                         return true;
                       }});
  mutations.push_back({"flip an event type", [](Events& events, Random& random) {
                         HistoryEvent& event = events[Below(random, events.size())];
                         event.set_event_type(static_cast<enums::EventType>(event.event_type() ^ 1));
                         return true;
                       }});
  mutations.push_back({"lose the attributes", [](Events& events, Random& random) {
                         events[Below(random, events.size())].clear_attributes();
                         return true;
                       }});
  mutations.push_back({"a type from the future", [](Events& events, Random& random) {
                         events[Below(random, events.size())].set_event_type(static_cast<enums::EventType>(999));
                         return true;
                       }});
}

void AddTimeMutations(std::vector<Mutation>& mutations) {
  mutations.push_back({"move an event before the start", [](Events& events, Random& random) {
                         if (events.size() < 2) return false;
                         HistoryEvent& event = events[1 + Below(random, events.size() - 1)];
                         SetTime(event, GetTime(events.front()) - 1s);
                         return true;
                       }});
  mutations.push_back({"move an event behind the one that follows", [](Events& events, Random& random) {
                         const size_t at = Below(random, events.size() - 1);
                         if (events[at + 1].has_activity_task_started_event_attributes()) return false;
                         SetTime(events[at], GetTime(events[at + 1]) + 1ns);
                         return true;
                       }});
  mutations.push_back({"lose a time", [](Events& events, Random& random) {
                         events[Below(random, events.size())].clear_event_time();
                         return true;
                       }});
  mutations.push_back({"a timer runs longer than it did", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_TIMER_FIRED);
                         if (!at) return false;
                         const auto id = events[*at].timer_fired_event_attributes().started_event_id();
                         events[static_cast<size_t>(id - 1)]
                             .mutable_timer_started_event_attributes()
                             ->mutable_start_to_fire_timeout()
                             ->set_seconds(100'000);
                         return true;
                       }});
  const auto longer = [&](const std::string& name, enums::TimeoutType type, auto change) {
    mutations.push_back({"longer " + name + " than the timeout that came", [=](Events& events, Random& random) {
                           const auto at = Pick(events, random, [&](size_t i) {
                             return events[i]
                                        .activity_task_timed_out_event_attributes()
                                        .failure()
                                        .timeout_failure_info()
                                        .timeout_type() == type;
                           });
                           if (!at) return false;
                           const auto id = events[*at].activity_task_timed_out_event_attributes().scheduled_event_id();
                           change(
                               *events[static_cast<size_t>(id - 1)].mutable_activity_task_scheduled_event_attributes());
                           return true;
                         }});
  };
  longer("schedule-to-start", enums::TIMEOUT_TYPE_SCHEDULE_TO_START,
         [](auto& scheduled) { scheduled.mutable_schedule_to_start_timeout()->set_seconds(100'000); });
  longer("schedule-to-close", enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
         [](auto& scheduled) { scheduled.mutable_schedule_to_close_timeout()->set_seconds(100'000); });
  longer("start-to-close", enums::TIMEOUT_TYPE_START_TO_CLOSE,
         [](auto& scheduled) { scheduled.mutable_start_to_close_timeout()->set_seconds(100'000); });
  longer("heartbeat", enums::TIMEOUT_TYPE_HEARTBEAT,
         [](auto& scheduled) { scheduled.mutable_heartbeat_timeout()->set_seconds(100'000); });
  mutations.push_back({"longer workflow-task timeout than the one that came", [](Events& events, Random& random) {
                         const auto at = Pick(events, random, [&](size_t i) {
                           return events[i].workflow_task_timed_out_event_attributes().timeout_type() ==
                                  enums::TIMEOUT_TYPE_START_TO_CLOSE;
                         });
                         if (!at) return false;
                         const auto id = events[*at].workflow_task_timed_out_event_attributes().scheduled_event_id();
                         events[static_cast<size_t>(id - 1)]
                             .mutable_workflow_task_scheduled_event_attributes()
                             ->mutable_start_to_close_timeout()
                             ->set_seconds(100'000);
                         return true;
                       }});
  mutations.push_back({"an activity starts before it was scheduled", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
                         if (!at) return false;
                         const auto id = events[*at].activity_task_started_event_attributes().scheduled_event_id();
                         SetTime(events[*at], GetTime(events[static_cast<size_t>(id - 1)]) - 1ns);
                         return true;
                       }});
}

void AddReferenceMutations(std::vector<Mutation>& mutations) {
  const std::vector<std::pair<enums::EventType, std::string>> references = {
      {enums::EVENT_TYPE_WORKFLOW_TASK_STARTED, "scheduled_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED, "scheduled_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED, "started_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_FAILED, "scheduled_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_FAILED, "started_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, "scheduled_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, "started_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, "workflow_task_completed_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_STARTED, "scheduled_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, "scheduled_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, "started_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_FAILED, "started_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, "scheduled_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, "started_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, "latest_cancel_requested_event_id"},
      {enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED, "started_event_id"},
      {enums::EVENT_TYPE_TIMER_STARTED, "workflow_task_completed_event_id"},
      {enums::EVENT_TYPE_TIMER_FIRED, "started_event_id"},
      {enums::EVENT_TYPE_TIMER_CANCELED, "started_event_id"},
      {enums::EVENT_TYPE_MARKER_RECORDED, "workflow_task_completed_event_id"},
      {enums::EVENT_TYPE_NEXUS_OPERATION_COMPLETED, "scheduled_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, "accepted_event_id"},
      {enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, "workflow_task_completed_event_id"},
  };
  for (const auto& [type, field] : references) {
    mutations.push_back(Retarget(type, field, 1000));
    mutations.push_back(Retarget(type, field, -1));
  }
}

void AddDropsAndDuplicates(std::vector<Mutation>& mutations) {
  for (const auto type : {enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
                          enums::EVENT_TYPE_MARKER_RECORDED, enums::EVENT_TYPE_TIMER_FIRED}) {
    mutations.push_back(Drop(type, false));
  }
  // Dropping and renumbering is noticed where other events need what is missing.
  for (const auto type : {enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums::EVENT_TYPE_WORKFLOW_TASK_STARTED,
                          enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED, enums::EVENT_TYPE_WORKFLOW_TASK_FAILED,
                          enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED}) {
    // The last completion, of a task without commands, may go missing unseen.
    mutations.push_back(Drop(type, true));
  }
  for (const auto type : {enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
                          enums::EVENT_TYPE_WORKFLOW_TASK_STARTED,
                          enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
                          enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
                          enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
                          enums::EVENT_TYPE_ACTIVITY_TASK_STARTED,
                          enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
                          enums::EVENT_TYPE_ACTIVITY_TASK_FAILED,
                          enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
                          enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
                          enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED,
                          enums::EVENT_TYPE_TIMER_STARTED,
                          enums::EVENT_TYPE_TIMER_FIRED,
                          enums::EVENT_TYPE_TIMER_CANCELED,
                          enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
                          enums::EVENT_TYPE_NEXUS_OPERATION_COMPLETED,
                          enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
                          enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
                          enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
                          enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED}) {
    mutations.push_back(Duplicate(type));
  }
}

void AddNumberMutations(std::vector<Mutation>& mutations) {
  mutations.push_back({"an event after the end", [](Events& events, Random&) {
                         if (!IsEnd(events.back())) return false;
                         const auto marker = std::find_if(events.begin(), events.end(), [](const HistoryEvent& event) {
                           return event.has_workflow_execution_signaled_event_attributes();
                         });
                         if (marker == events.end()) return false;
                         HistoryEvent late = *marker;
                         late.mutable_workflow_execution_signaled_event_attributes()->set_request_id("late");
                         late.set_event_id(events.back().event_id() + 1);
                         late.mutable_event_time()->CopyFrom(events.back().event_time());
                         events.push_back(late);
                         return true;
                       }});
  mutations.push_back({"the first attempt of a workflow task is 3", [](Events& events, Random& random) {
                         const auto at = Pick(events, random, [&](size_t i) {
                           return events[i].workflow_task_scheduled_event_attributes().attempt() == 1 &&
                                  !events[i - 1].has_workflow_task_timed_out_event_attributes();
                         });
                         if (!at) return false;
                         events[*at].mutable_workflow_task_scheduled_event_attributes()->set_attempt(3);
                         return true;
                       }});
  mutations.push_back({"a workflow task's attempt is 0", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
                         if (!at) return false;
                         events[*at].mutable_workflow_task_scheduled_event_attributes()->set_attempt(0);
                         return true;
                       }});
  mutations.push_back({"more attempts than the policy allows", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
                         if (!at) return false;
                         events[*at].mutable_activity_task_started_event_attributes()->set_attempt(4);
                         return true;
                       }});
  mutations.push_back({"an activity's attempt is 0", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
                         if (!at) return false;
                         events[*at].mutable_activity_task_started_event_attributes()->set_attempt(0);
                         return true;
                       }});
  mutations.push_back({"a timer fires under another id", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_TIMER_FIRED);
                         if (!at) return false;
                         events[*at].mutable_timer_fired_event_attributes()->set_timer_id("other");
                         return true;
                       }});
  mutations.push_back(
      {"an update completes under another id", [](Events& events, Random& random) {
         const auto at = PickType(events, random, enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED);
         if (!at) return false;
         events[*at].mutable_workflow_execution_update_completed_event_attributes()->mutable_meta()->set_update_id(
             "other");
         return true;
       }});
}

void AddMeaningMutations(std::vector<Mutation>& mutations) {
  mutations.push_back({"a completion forgets the start", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
                         if (!at) return false;
                         events[*at].mutable_activity_task_completed_event_attributes()->set_started_event_id(0);
                         return true;
                       }});
  mutations.push_back({"a timeout does not say which", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT);
                         if (!at) return false;
                         events[*at].mutable_activity_task_timed_out_event_attributes()->clear_failure();
                         return true;
                       }});
  mutations.push_back({"a command names no completion", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_MARKER_RECORDED);
                         if (!at) return false;
                         events[*at].mutable_marker_recorded_event_attributes()->set_workflow_task_completed_event_id(
                             0);
                         return true;
                       }});
  mutations.push_back({"a sticky timeout that had started", [](Events& events, Random& random) {
                         const auto at = Pick(events, random, [&](size_t i) {
                           return events[i].workflow_task_timed_out_event_attributes().timeout_type() ==
                                  enums::TIMEOUT_TYPE_START_TO_CLOSE;
                         });
                         if (!at) return false;
                         events[*at].mutable_workflow_task_timed_out_event_attributes()->set_timeout_type(
                             enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
                         return true;
                       }});
  mutations.push_back({"two activities of one id are open", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
                         if (!at || *at + 1 == events.size() ||
                             !events[*at + 1].has_activity_task_scheduled_event_attributes()) {
                           return false;
                         }
                         const std::string id = events[*at].activity_task_scheduled_event_attributes().activity_id();
                         events[*at + 1].mutable_activity_task_scheduled_event_attributes()->set_activity_id(id);
                         return true;
                       }});
  mutations.push_back({"a signal with the request id of another", [](Events& events, Random& random) {
                         const auto from = PickType(events, random, enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
                         const auto to = PickType(events, random, enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
                         if (!from || from == to) return false;
                         const std::string id =
                             events[*from].workflow_execution_signaled_event_attributes().request_id();
                         events[*to].mutable_workflow_execution_signaled_event_attributes()->set_request_id(id);
                         return true;
                       }});
  mutations.push_back(
      {"a change is decided again, differently", [](Events& events, Random& random) {
         const auto at = Pick(events, random, [&](size_t i) {
           return events[i].marker_recorded_event_attributes().marker_name() == "core_patch";
         });
         if (!at) return false;
         Repeat(events, *at, *at);
         auto& data = (*events[*at + 1].mutable_marker_recorded_event_attributes()->mutable_details())["patch-data"];
         std::string text = data.payloads(0).data();
         text.replace(text.find("false"), 5, "true");
         data.mutable_payloads(0)->set_data(text);
         return true;
       }});
  mutations.push_back({"a command moved behind its block", [](Events& events, Random& random) {
                         const auto at = PickType(events, random, enums::EVENT_TYPE_TIMER_STARTED);
                         if (!at || *at + 1 == events.size() || IsEnd(events.back())) return false;
                         HistoryEvent timer = events[*at];
                         if (!events.back().has_workflow_execution_signaled_event_attributes()) return false;
                         timer.mutable_timer_started_event_attributes()->set_timer_id("moved");
                         timer.mutable_event_time()->CopyFrom(events.back().event_time());
                         timer.set_event_id(events.back().event_id() + 1);
                         events.push_back(timer);
                         return true;
                       }});
}

}  // namespace

std::vector<Mutation> AllMutations() {
  std::vector<Mutation> mutations;
  AddListMutations(mutations);
  AddTimeMutations(mutations);
  AddReferenceMutations(mutations);
  AddDropsAndDuplicates(mutations);
  AddNumberMutations(mutations);
  AddMeaningMutations(mutations);
  AddFamilyMutations(mutations);
  return mutations;
}

}  // namespace wfe::lint
