#include "engine/storage/key_value_store.h"

#include "engine/base/check.h"

namespace wfe::storage {

std::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kState:
      return "state";
    case Family::kHistory:
      return "history";
    case Family::kCurrent:
      return "current";
    case Family::kRequest:
      return "request";
    case Family::kVisibility:
      return "visibility";
    case Family::kBlobs:
      return "blobs";
    case Family::kRows:
      return "rows";
    case Family::kTasks:
      return "tasks";
  }
  WFE_CHECK(false, "unknown column family");
}

Cursor::~Cursor() { WFE_CHECK(finished_, "a cursor was dropped without Finish: an early end would go unnoticed"); }

Status Cursor::Finish() {
  WFE_CHECK(!finished_, "Finish was called twice");
  finished_ = true;
  return Outcome();
}

}  // namespace wfe::storage
