// Children and requests between workflows: the histories of a real server, 1.29.1, pass every rule, and damage to them is
// found (H23, H24, H39 to H42).  The files are what `temporal workflow show --output json` says, with other ids.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "engine/lint/lint.h"
#include "tests/lint/history_builder.h"

namespace wfe::lint {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

const LintOptions kForeign{.foreign = true, .batch_starts = {}, .commands = {}};

RunHistory ReadRun(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  temporal::api::history::v1::History history;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &history, options).ok()) << path;
  RunHistory run{{Namespace("default"), WorkflowId(""), RunId("")}, {history.events().begin(), history.events().end()}};
  if (run.events.empty()) return run;
  const auto& started = run.events.front().workflow_execution_started_event_attributes();
  run.key.workflow_id = WorkflowId(started.workflow_id());
  run.key.run_id = RunId(started.original_execution_run_id());
  return run;
}

/// All runs of one story: completes.parent.json, completes.child.json.
using Story = std::vector<RunHistory>;

std::map<std::string, Story> Stories() {
  std::map<std::string, Story> stories;
  for (const auto& entry : std::filesystem::directory_iterator(WFE_CHILD_HISTORIES)) {
    const std::string name = entry.path().filename().string();
    stories[name.substr(0, name.find('.'))].push_back(ReadRun(entry.path()));
  }
  return stories;
}

TEST(RealFamilies, AreClean) {
  const auto stories = Stories();
  EXPECT_GE(stories.size(), 17u);
  for (const auto& [name, story] : stories) {
    for (const RunHistory& run : story) {
      const auto findings = LintHistory(run.events, kForeign);
      EXPECT_THAT(findings, IsEmpty()) << name << ", " << run.key.ToString() << "\n" << Describe(findings);
    }
    const auto findings = LintAcrossRuns(story);
    EXPECT_THAT(findings, IsEmpty()) << name << "\n" << Describe(findings);
  }
}

/// The first event of the type among a story's runs of this workflow.
HistoryEvent& Find(Story& story, const std::string& workflow_id, enums::EventType type) {
  for (RunHistory& run : story) {
    if (run.key.workflow_id.value() != workflow_id) continue;
    for (HistoryEvent& event : run.events) {
      if (event.event_type() == type) return event;
    }
  }
  ADD_FAILURE() << workflow_id << " has no " << enums::EventType_Name(type);
  static HistoryEvent none;
  return none;
}

struct Damage {
  std::string name;
  std::string story;
  std::string rule;
  std::function<void(Story&)> apply;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

RunHistory& RunOf(Story& story, const std::string& workflow_id) {
  return *std::find_if(story.begin(), story.end(),
                       [&](const RunHistory& run) { return run.key.workflow_id.value() == workflow_id; });
}

/// The start of the (last) run of the story's child.
temporal::api::history::v1::WorkflowExecutionStartedEventAttributes& StartOfChild(Story& story) {
  return *RunOf(story, "child").events.front().mutable_workflow_execution_started_event_attributes();
}

std::vector<Damage> DamagesToParentsAndChildren() {
  return {
      {"a child whose parent is another run", "completes", "H41",
       [](Story& story) { StartOfChild(story).mutable_parent_workflow_execution()->set_run_id("other"); }},
      {"a child that another event asked for", "completes", "H41",
       [](Story& story) { StartOfChild(story).set_parent_initiated_event_id(4); }},
      {"a child with another input", "completes", "H41",
       [](Story& story) { StartOfChild(story).mutable_input()->mutable_payloads(0)->set_data("2"); }},
      {"a child on another task queue", "completes", "H41",
       [](Story& story) { StartOfChild(story).mutable_task_queue()->set_name("elsewhere"); }},
      {"a child's run that is missing", "completes", "H41",
       [](Story& story) { std::erase_if(story, [](const RunHistory& run) { return run.key.workflow_id.value() == "child"; }); }},
      {"another result than the child gave", "completes", "H41",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
             .mutable_child_workflow_execution_completed_event_attributes()
             ->mutable_result()
             ->mutable_payloads(0)
             ->set_data("2");
       }},
      {"another failure than the child's", "fails_after_retry", "H41",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED)
             .mutable_child_workflow_execution_failed_event_attributes()
             ->mutable_failure()
             ->set_message("other");
       }},
      {"an end that the child has not had yet", "completes", "H41",
       [](Story& story) { RunOf(story, "child").events.pop_back(); }},
      {"an end before that of the chain", "continued", "H41",
       [](Story& story) {
         auto& told = *Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
                           .mutable_child_workflow_execution_completed_event_attributes();
         const auto& started = Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED);
         *told.mutable_workflow_execution() =
             started.child_workflow_execution_started_event_attributes().workflow_execution();
       }},
      {"two children for one request", "completes", "H41",
       [](Story& story) {
         RunHistory twin = RunOf(story, "child");
         twin.key.run_id = RunId("twin");
         story.push_back(twin);
       }},
      {"a child that runs although its start has failed", "id_taken", "H41",
       [](Story& story) {
         auto& start = *RunOf(story, "other").events.front().mutable_workflow_execution_started_event_attributes();
         start.mutable_parent_workflow_execution()->set_workflow_id("parent");
         start.mutable_parent_workflow_execution()->set_run_id(RunOf(story, "parent").key.run_id.value());
         start.set_parent_initiated_event_id(5);
       }},
      {"a child ended by a policy that is not its own", "parent_completes", "H41",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED)
             .mutable_start_child_workflow_execution_initiated_event_attributes()
             ->set_parent_close_policy(enums::PARENT_CLOSE_POLICY_ABANDON);
       }},
      {"a child ended by policy while its parent runs", "parent_completes", "H41",
       [](Story& story) { RunOf(story, "parent").events.pop_back(); }},
      {"a chain of runs that changes its parent", "continued", "H29",
       [](Story& story) {
         for (RunHistory& run : story) {
           auto& start = *run.events.front().mutable_workflow_execution_started_event_attributes();
           if (!start.continued_execution_run_id().empty()) start.clear_parent_workflow_execution();
         }
       }},
  };
}

std::vector<Damage> DamagesToRequests() {
  return {
      {"a signal that arrived twice", "signals", "H42",
       [](Story& story) {
         auto& events = RunOf(story, "target").events;
         events.push_back(Find(story, "target", enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED));
       }},
      {"a signal that arrived although its sender knows otherwise", "signals", "H42",
       [](Story& story) {
         auto& events = RunOf(story, "closed").events;
         events.insert(events.begin() + 1, Find(story, "target", enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED));
       }},
      {"a request to cancel that reached a stranger", "cancels_others", "H42",
       [](Story& story) {
         auto& events = RunOf(story, "closed").events;
         events.insert(events.begin() + 1, Find(story, "target", enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED));
       }},
      {"a request to cancel that nobody made", "cancels_others", "H42",
       [](Story& story) {
         Find(story, "target", enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
             .mutable_workflow_execution_cancel_requested_event_attributes()
             ->set_external_initiated_event_id(4);
       }},
      {"a request to cancel that its sender thinks has failed", "cancels_others", "H42",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
             .mutable_request_cancel_external_workflow_execution_failed_event_attributes()
             ->set_initiated_event_id(5);
       }},
  };
}

std::vector<Damage> DamagesToOneRun() {
  const auto child = [](const std::string& name, const std::string& rule, auto change) {
    return Damage{name, "completes", rule, [=](Story& story) { change(StartOfChild(story)); }};
  };
  return {
      child("a parent without a run", "H39", [](auto& start) { start.mutable_parent_workflow_execution()->clear_run_id(); }),
      child("a parent without a namespace", "H39", [](auto& start) { start.clear_parent_workflow_namespace(); }),
      child("a parent that did not ask", "H39", [](auto& start) { start.clear_parent_initiated_event_id(); }),
      child("an event of nobody", "H39", [](auto& start) { start.clear_parent_workflow_execution(); }),
      child("a root by half", "H39", [](auto& start) { start.mutable_root_workflow_execution()->clear_run_id(); }),
      {"a second request to cancel", "cancels_child", "H40",
       [](Story& story) {
         auto& events = RunOf(story, "child").events;
         events.push_back(Find(story, "child", enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED));
       }},
      {"a request to cancel of an event of nobody", "cancels_child", "H40",
       [](Story& story) {
         Find(story, "child", enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
             .mutable_workflow_execution_cancel_requested_event_attributes()
             ->clear_external_workflow_execution();
       }},
      {"a signal of half a workflow", "signals", "H40",
       [](Story& story) {
         Find(story, "target", enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
             .mutable_workflow_execution_signaled_event_attributes()
             ->mutable_external_workflow_execution()
             ->clear_run_id();
       }},
      {"a child that ends under another type", "completes", "H23",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
             .mutable_child_workflow_execution_completed_event_attributes()
             ->mutable_workflow_type()
             ->set_name("Other");
       }},
      {"a child that starts in another namespace", "completes", "H23",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED)
             .mutable_child_workflow_execution_started_event_attributes()
             ->set_namespace_("other");
       }},
      {"an outcome for another run", "signals", "H24",
       [](Story& story) {
         Find(story, "parent", enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
             .mutable_signal_external_workflow_execution_failed_event_attributes()
             ->mutable_workflow_execution()
             ->set_run_id("other");
       }},
  };
}

class DamagedFamilies : public testing::TestWithParam<Damage> {};

TEST_P(DamagedFamilies, AreFound) {
  Story story = Stories().at(GetParam().story);
  GetParam().apply(story);
  std::vector<Finding> findings = LintAcrossRuns(story);
  Story kept;  // what is kept of a store's runs is enough to find the same
  for (const RunHistory& run : story) kept.push_back(ForRulesAcrossRuns(run));
  EXPECT_EQ(Describe(LintAcrossRuns(kept)), Describe(findings));
  for (const RunHistory& run : story) {
    for (Finding& finding : LintHistory(run.events, kForeign)) findings.push_back(std::move(finding));
  }
  EXPECT_THAT(findings, Contains(Field(&Finding::rule, GetParam().rule))) << Describe(findings);
}

INSTANTIATE_TEST_SUITE_P(ParentsAndChildren, DamagedFamilies, testing::ValuesIn(DamagesToParentsAndChildren()));
INSTANTIATE_TEST_SUITE_P(Requests, DamagedFamilies, testing::ValuesIn(DamagesToRequests()));
INSTANTIATE_TEST_SUITE_P(OneRun, DamagedFamilies, testing::ValuesIn(DamagesToOneRun()));

bool AsksForSomething(const HistoryEvent& event) {
  return event.has_start_child_workflow_execution_initiated_event_attributes() ||
         event.has_signal_external_workflow_execution_initiated_event_attributes() ||
         event.has_request_cancel_external_workflow_execution_initiated_event_attributes();
}

// What is asked for may have happened before the one who asked is told of it.
TEST(Families, MayBeInTheMiddleOfSomething) {
  for (const auto name : {"completes", "fails_after_retry", "cancelled", "timed_out", "terminated", "continued",
                          "cancels_child", "cancels_others", "signals", "id_taken"}) {
    Story story = Stories().at(name);
    auto& events = RunOf(story, "parent").events;
    while (!AsksForSomething(events.back())) {
      const auto findings = LintAcrossRuns(story);
      EXPECT_THAT(findings, IsEmpty()) << name << " up to event " << events.size() << "\n" << Describe(findings);
      events.pop_back();
    }
  }
}

// Of a parent that has been deleted nothing is known.
TEST(Families, MayHaveLostTheirParent) {
  Story story = Stories().at("parent_completes");
  std::erase_if(story, [](const RunHistory& run) { return run.key.workflow_id.value() == "parent"; });
  EXPECT_THAT(LintAcrossRuns(story), IsEmpty());
}

// H23: a run belongs to one child, whatever becomes of the other.
TEST(Children, DoNotShareARun) {
  HistoryBuilder history;
  history.Task();
  const EventId first = history.ChildInitiated("c");
  const EventId second = history.ChildInitiated("c");
  history.ChildStarted(first);
  const EventId started = history.ChildStarted(second);
  EXPECT_THAT(LintHistory(history.events()), IsEmpty());
  history.At(started).mutable_child_workflow_execution_started_event_attributes()->mutable_workflow_execution()->set_run_id(
      "run-of-" + std::to_string(first));
  EXPECT_THAT(LintHistory(history.events()), ElementsAre(Field(&Finding::rule, "H23")));
}

// H39: servers before 1.24 do not tell the root.
TEST(Children, OfOlderServersDoNotKnowTheirRoot) {
  HistoryBuilder history;
  auto& start = *history.At(1).mutable_workflow_execution_started_event_attributes();
  start.set_parent_workflow_namespace("default");
  start.mutable_parent_workflow_execution()->set_workflow_id("p");
  start.mutable_parent_workflow_execution()->set_run_id("r");
  start.set_parent_initiated_event_id(5);
  EXPECT_THAT(LintHistory(history.events()), ElementsAre(Field(&Finding::rule, "H39")));
  EXPECT_THAT(LintHistory(history.events(), kForeign), IsEmpty());
}

}  // namespace
}  // namespace wfe::lint
