// One step of a batch: another activity of the same worker, called inside of processBatch or joinBatch.
#pragma once

#include <string>
#include <utility>

#include "workers/sdk/activity.h"

namespace wfe::batch {

/// The surrounding activity's context under a name of its own: what the inner one journals, it finds again when the
/// surrounding one is attempted again, and no sibling does.
class InnerContext final : public sdk::ActivityContext {
 public:
  /// `name`: the same in every attempt, and no other call's of the surrounding activity.
  InnerContext(sdk::ActivityContext& outer, std::string type, const std::string& name)
      : outer_(outer), info_(outer.info()) {
    info_.activity_type = std::move(type);
    info_.activity_id += "/" + name;
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const nlohmann::json& details) override { outer_.Heartbeat(details); }
  std::optional<nlohmann::json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return outer_.IsCancelled(); }
  bool WaitForCancel(Duration timeout) override { return outer_.WaitForCancel(timeout); }

 private:
  sdk::ActivityContext& outer_;
  sdk::ActivityInfo info_;
};

}  // namespace wfe::batch
