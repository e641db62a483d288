// A small random workflow: at each workflow task it commands a few things, between tasks a few things happen to it.
#include <algorithm>
#include <map>
#include <random>

#include "tests/lint/history_builder.h"

namespace wfe::lint {
namespace {

using namespace std::chrono_literals;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  HistoryBuilder Run() {
    if (Below(4) == 0) history_.OfParent("parent");
    const int rounds = Below(8) + 1;
    for (int round = 0; round < rounds; ++round) {
      TaskSeries();
      const int commands = Below(5);
      for (int i = 0; i < commands; ++i) Command();
      std::vector<std::pair<EventId, EventId>> canceled;
      std::swap(canceled, canceled_);
      if (round + 1 == rounds && Below(4) != 0) {
        Close();
        return std::move(history_);
      }
      for (const auto& [scheduled, requested] : canceled) history_.ActivityCanceledBeforeStart(scheduled, requested);
      history_.Advance(std::chrono::milliseconds(Below(2000)));
      const int happenings = Below(5) + 1;
      for (int i = 0; i < happenings; ++i) {
        history_.NewBatch();
        Happening();
      }
    }
    if (Below(3) == 0) history_.NewBatch().Terminated();
    return std::move(history_);
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  std::string NewId() { return "id" + std::to_string(++ids_); }

  template <class T>
  std::optional<T> Take(std::vector<T>& from) {
    if (from.empty()) return std::nullopt;
    const auto at = from.begin() + Below(static_cast<int>(from.size()));
    T taken = *at;
    from.erase(at);
    return taken;
  }

  /// One completed workflow task, perhaps after attempts that failed.
  void TaskSeries() {
    history_.NewBatch().TaskScheduled();
    history_.Advance(1ms);
    const int kind = Below(6);
    if (kind == 0) {
      history_.NewBatch().TaskTimedOutUnstarted();
      history_.TaskScheduled();
    } else if (kind == 1 || kind == 2) {
      history_.NewBatch().TaskStarted();
      history_.Advance(1ms);
      kind == 1 ? history_.TaskFailed() : history_.TaskTimedOut();
      history_.Advance(1s).NewBatch().TaskScheduled(2 + Below(4));
    }
    history_.Advance(1ms).NewBatch().TaskStarted();
    history_.Advance(2ms).TaskCompleted();
  }

  void Command() {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        activities_.push_back(history_.ActivityScheduled(NewId()));
        break;
      case 3:
      case 4:
        timers_.push_back(history_.TimerStarted(NewId(), std::chrono::milliseconds(Below(5000) + 1)));
        break;
      case 5:
        if (const auto timer = Take(timers_)) history_.TimerCanceled(*timer);
        break;
      case 6:
        if (const auto activity = Take(activities_)) {
          const EventId requested = history_.ActivityCancelRequested(*activity);
          if (Below(2) == 0) {
            canceled_.push_back({*activity, requested});  // told after all commands (WIRE-F3)
          } else {
            canceling_.push_back({*activity, requested});
          }
        }
        break;
      case 7:
        history_.PatchMarker(NewId());
        break;
      case 8:
        Below(2) == 0 ? history_.SideEffectMarker() : history_.SearchAttributesUpserted();
        break;
      case 9:
        initiated_.push_back(history_.ChildInitiated(NewId()));
        break;
      case 10:
        RequestOfOther();
        break;
      default:
        updates_.push_back(history_.UpdateAccepted(NewId()));
        if (Below(2) == 0) history_.UpdateCompleted(*Take(updates_));
        break;
    }
  }

  void Happening() {
    history_.Advance(std::chrono::milliseconds(Below(500)));
    switch (Below(8)) {
      case 0:
      case 1:
      case 2:
        if (const auto activity = Take(activities_)) EndActivity(*activity);
        break;
      case 3:
        if (const auto timer = Take(timers_)) history_.TimerFired(*timer);
        break;
      case 4:
        if (const auto canceling = Take(canceling_)) history_.ActivityCanceled(canceling->first, canceling->second);
        break;
      case 5:
        if (const auto child = Take(initiated_)) {
          if (Below(4) == 0) {
            history_.ChildStartFailed(*child);
          } else {
            children_.push_back({*child, history_.ChildStarted(*child)});
          }
        } else if (const auto running = Take(children_)) {
          EndChild(running->first, running->second);
        }
        break;
      case 6:
        AnswerOfOther();
        break;
      default:
        if (!asked_to_cancel_ && Below(4) == 0) {
          asked_to_cancel_ = true;
          Below(2) == 0 ? history_.CancelRequested() : history_.CancelRequestedBy("other", 7);
        } else {
          history_.Signal(NewId());
        }
        break;
    }
  }

  void RequestOfOther() {
    switch (Below(3)) {
      case 0:
        signals_.push_back(history_.SignalExternalInitiated());
        break;
      case 1:
        cancels_.push_back(history_.CancelExternalInitiated());
        break;
      default:
        nexus_.push_back(history_.NexusScheduled());
        break;
    }
  }

  void AnswerOfOther() {
    if (const auto signal = Take(signals_)) {
      Below(2) == 0 ? history_.SignalExternalDone(*signal) : history_.SignalExternalFailed(*signal);
    }
    if (const auto cancel = Take(cancels_)) {
      Below(2) == 0 ? history_.CancelExternalDone(*cancel) : history_.CancelExternalFailed(*cancel);
    }
    if (const auto operation = Take(nexus_)) {
      history_.NexusStarted(*operation);
      history_.NexusCompleted(*operation);
    }
  }

  void EndChild(EventId initiated, EventId started) {
    switch (Below(5)) {
      case 0:
        history_.ChildFailed(initiated, started);
        break;
      case 1:
        history_.ChildCanceled(initiated, started);
        break;
      case 2:
        history_.ChildTimedOut(initiated, started);
        break;
      case 3:
        history_.ChildTerminated(initiated, started);
        break;
      default:
        history_.ChildCompleted(initiated, started);
        break;
    }
  }

  void EndActivity(EventId scheduled) {
    switch (Below(6)) {
      case 0:
        history_.ActivityFailed(scheduled, 3);
        break;
      case 1:
        history_.ActivityTimedOut(scheduled, enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
        break;
      case 2:
        history_.ActivityTimedOut(scheduled, enums::TIMEOUT_TYPE_START_TO_CLOSE);
        break;
      case 3:
        history_.ActivityTimedOut(
            scheduled, Below(2) == 0 ? enums::TIMEOUT_TYPE_HEARTBEAT : enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE);
        break;
      default:
        history_.ActivityCompleted(scheduled, 1 + Below(3), std::chrono::milliseconds(Below(400)));
        break;
    }
  }

  void Close() {
    switch (Below(4)) {
      case 0:
        history_.Failed();
        break;
      case 1:
        history_.ContinuedAsNew("run-2");
        break;
      default:
        history_.Completed();
        break;
    }
  }

  std::mt19937_64 random_;
  HistoryBuilder history_;
  int ids_ = 0;
  std::vector<EventId> activities_, timers_, initiated_, signals_, cancels_, nexus_, updates_;
  bool asked_to_cancel_ = false;
  std::vector<std::pair<EventId, EventId>> canceling_, canceled_, children_;
};

}  // namespace

HistoryBuilder RandomHistory(uint64_t seed) { return Generator(seed).Run(); }

}  // namespace wfe::lint
