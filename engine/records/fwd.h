// Forward declarations of wfe::records.
#pragma once

namespace wfe::records {

class RecordsService;
class RecordsStore;
struct RecordsLimits;

}  // namespace wfe::records
