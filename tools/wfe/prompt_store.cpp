#include "tools/wfe/prompt_store.h"

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>

#include "activities/prompts/records_template_rows.h"
#include "engine/base/printable.h"
#include "workers/client/grpc_client.h"

namespace wfe::cli {

std::string ShippedFile(const std::string& relative) {
  static const std::string kRoot = [] {
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path installed = program.parent_path().parent_path() / "share/wfe";
    return !error && std::filesystem::is_directory(installed, error) ? installed.string() : std::string(WFE_SHARE_DIR);
  }();
  return kRoot + "/" + relative;
}

std::string TemplatesDir(const Config& config) {
  if (!config.build.templates_dir.empty()) return config.build.templates_dir;
  return ShippedFile("workflows/audited_build/templates");
}

void AddRecordsOption(CLI::App& command, RecordsOptions& options) {
  command.add_option("--records", options.address, "HOST:PORT of the records service (default: the server itself)");
}

Result<RecordsConnection> RecordsConnection::Open(Globals& globals, const RecordsOptions& options) {
  RecordsConnection connection;
  if (!options.address.empty()) {
    connection.channel_ = client::NewGrpcClient({.address = options.address, .ns = globals.Namespace(), .api_key = {}});
  }
  connection.records_ =
      std::make_shared<client::RecordsClient>(connection.channel_ ? *connection.channel_ : globals.client());
  // Asked first, so that every command says the same about a service that is not there.
  const auto info = connection.records_->GetInfo();
  if (info) return connection;
  if (info.error().code == StatusCode::kUnimplemented) {
    const std::string address = options.address.empty() ? globals.Address() : options.address;
    return Unavailable("no records service at " + address +
                       "; name the one of the workers with --records (`wfe server --records-only`)");
  }
  if (!Globals::IsUnreachable(info.error())) return info.error();
  if (options.address.empty()) return globals.Unreachable(info.error());
  return Unavailable("no records service answers at " + options.address);
}

prompts::TemplateStore RecordsConnection::Templates(const Config& config) const {
  return prompts::TemplateStore({.templates_dir = TemplatesDir(config),
                                 .rows = std::make_shared<prompts::RecordsTemplateRows>(records_),
                                 .blob_sink = records_,
                                 .blob_source = records_,
                                 .clock = nullptr});
}

void PutText(const std::string& given) {
  // A file gets the bytes; a terminal gets nothing that would move its cursor.
  const std::string text = StdoutIsTerminal() ? PrintableText(given) : given;
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.ends_with('\n')) std::fputc('\n', stdout);
}

void PrintTextDiff(const prompts::TextDiff& diff, nlohmann::ordered_json object, OutputFormat format) {
  if (format == OutputFormat::kText) {
    if (diff.text.empty()) {
      fmt::print("no difference\n");
      return;
    }
    for (const auto& change : diff.sections) {
      const std::string section = change.section.empty() ? "(before the first section)" : change.section;
      fmt::print("{:<8}  {:<26}  +{} -{}\n", change.change, PrintableLine(section), change.lines_added,
                 change.lines_removed);
    }
    fmt::print("\n");
    PutText(diff.text);
    return;
  }
  nlohmann::ordered_json sections = nlohmann::ordered_json::array();
  for (const auto& change : diff.sections) {
    sections.push_back({{"section", change.section},
                        {"change", change.change},
                        {"lines_added", change.lines_added},
                        {"lines_removed", change.lines_removed}});
  }
  object["sections"] = sections;
  object["diff"] = diff.text;
  PrintObject(object, format);
}

}  // namespace wfe::cli
