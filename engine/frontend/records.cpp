// The records service (ARCHITECTURE D7), whose calls may wait for the disk.
#include "engine/frontend/blocking.h"
#include "engine/frontend/method_table.h"
#include "engine/records/records_service.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

void ServeRecords(MethodTable& table, Services& services) {
  for (const char* method : {"GetInfo", "PutBlob", "GetBlob", "AppendRow", "ScanRows", "PutRow", "DeleteRow",
                             "ReserveBudget", "SettleBudget", "GetBudgets", "SetBudget"}) {
    table.ServeBytes(records::kServiceName, method, [&services, method](std::string_view bytes, Call call) {
      Blocking(services, call, [&services, method, request = std::string(bytes), call] {
        WFE_CHECK(services.records != nullptr, "a call came before the engine was started");
        records::RecordsService service(*services.records, *services.budgets, services.options.server_version);
        Result<std::string> response = service.Call(method, request);
        if (!response) return call.Fail(std::move(response).error());
        call.ReplyBytes(*std::move(response));
      });
    });
  }
}

}  // namespace wfe::frontend
