// wfe audit diff-context HASH HASH
#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

struct ContextOptions {
  RecordsOptions records;
  std::string from;
  std::string to;
};

Result<std::string> Context(client::RecordsClient& records, const std::string& hash) {
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return InvalidArgument("\"" + hash + "\" is no hash of a context: 64 digits and letters a to f, as " +
                           "context_file_hash and instruction_hash have in a trace");
  }
  Result<std::string> text = records.Get(hash);
  if (text || text.error().code != StatusCode::kNotFound) return text;
  return NotFound("the records service has no context " + hash +
                  "; it knows those that its own workers have written (--records names another service)");
}

Result<int> DiffContext(Globals& globals, const ContextOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const std::string from, Context(*connection.records(), options.from));
  WFE_ASSIGN_OR_RETURN(const std::string to, Context(*connection.records(), options.to));
  PrintTextDiff(prompts::DiffTexts(options.from, from, options.to, to),
                {{"from_hash", options.from}, {"to_hash", options.to}}, globals.format);
  return kExitOk;
}

}  // namespace

void AddAuditContextCommand(CLI::App& audit, Globals& globals) {
  auto options = std::make_shared<ContextOptions>();
  CLI::App& command = *audit.add_subcommand("diff-context", "Compare two contexts by the hashes that traces name");
  AddClientOptions(command, globals);
  AddRecordsOption(command, options->records);
  command.add_option("from", options->from, "SHA-256 of a context or instruction")->required();
  command.add_option("to", options->to, "The other one's")->required();
  command.footer(
      "Example:\n  wfe audit diff-context $(jq -r .context_file_hash a/audit_trace.jsonl b/audit_trace.jsonl | "
      "grep -v null | uniq)");
  command.callback([&globals, options] { globals.Run([&] { return DiffContext(globals, *options); }); });
}

}  // namespace wfe::cli
