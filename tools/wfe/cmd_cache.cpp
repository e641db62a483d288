// wfe cache: answers that are kept for the same question (CE-2).
#include <fmt/core.h>

#include "activities/agent/cache/context_cache.h"
#include "engine/base/parse_json.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

struct CacheFlags {
  RecordsOptions records;
  std::string key;
  int64_t days = 7;
};

agent::ContextCache CacheOf(const RecordsConnection& connection) {
  return {connection.records(), connection.records(), connection.records(), nullptr};
}

Result<int> CacheStats(Globals& globals, const CacheFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const agent::CacheStatistics statistics, CacheOf(connection).Statistics());
  const std::optional<double> rate = statistics.HitRate();
  if (globals.format == OutputFormat::kText) {
    fmt::print("Entries        {}\nSize           {} bytes\n", statistics.entries, statistics.result_bytes);
    fmt::print("Look-ups       {}, of them {} hits ({})\n", statistics.hits + statistics.misses, statistics.hits,
               rate ? fmt::format("{:.1f} %", *rate * 100) : "nobody has asked yet");
    fmt::print("Tokens saved   {}\nMoney saved    {} USD\n", statistics.tokens_saved,
               statistics.cost_saved_usd.ToString());
    return kExitOk;
  }
  nlohmann::ordered_json result = {{"entries", statistics.entries},
                                   {"result_bytes", statistics.result_bytes},
                                   {"hits", statistics.hits},
                                   {"misses", statistics.misses}};
  if (rate) result["hit_rate"] = *rate;
  result["tokens_saved"] = statistics.tokens_saved;
  result["cost_saved_usd"] = nlohmann::json(statistics.cost_saved_usd);
  PrintObject(result, globals.format);
  return kExitOk;
}

Result<int> ClearCache(Globals& globals, const CacheFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const int64_t cleared, CacheOf(connection).ClearOlderThan(flags.days));
  PrintEvent(fmt::format("{} {} cleared", cleared, cleared == 1 ? "entry" : "entries"), {{"cleared", cleared}},
             globals.format);
  return kExitOk;
}

Result<int> InvalidateEntry(Globals& globals, const CacheFlags& flags) {
  const bool hexadecimal = flags.key.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (flags.key.size() != 64 || !hexadecimal) {
    return InvalidArgument("a cache key is 64 hexadecimal digits; `wfe cache list` shows them");
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const bool there, CacheOf(connection).Invalidate(flags.key));
  if (!there) return NotFound("there is no entry " + flags.key);
  PrintEvent("entry " + flags.key + " is no answer any more", {{"invalidated", flags.key}}, globals.format);
  return kExitOk;
}

Result<int> ListCache(Globals& globals, const CacheFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  Table table({{"CREATED", "created_at"},
               {"STEP", "step_name", true},
               {"MODEL", "model", true},
               {"FILES", "file_count", false, true},
               {"HITS", "hits", false, true},
               {"KEY", "cache_key", true}});
  WFE_RETURN_IF_ERROR(connection.records()->ScanRows(std::string(agent::kContextCacheTable), "",
                                                     [&](const std::string&, const std::string& value) {
                                                       nlohmann::json row = ParseJson(value);
                                                       if (row.is_object()) table.Add(std::move(row));
                                                     }));
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("the cache is empty\n");
    return kExitOk;
  }
  table.Print(globals.format);
  return kExitOk;
}

}  // namespace

void AddCacheCommands(CLI::App& app, Globals& globals) {
  CLI::App& cache = *app.add_subcommand("cache", "Answers that are kept for the same question over the same files");
  cache.require_subcommand(1);
  cache.footer("Examples:\n  wfe cache stats\n  wfe cache clear --older-than 30");
  const auto add = [&](const char* name, const char* description, auto body) {
    CLI::App& command = *cache.add_subcommand(name, description);
    auto flags = std::make_shared<CacheFlags>();
    AddClientOptions(command, globals);
    AddRecordsOption(command, flags->records);
    command.callback([&globals, flags, body] { globals.Run([&] { return body(globals, *flags); }); });
    return std::pair<CLI::App*, std::shared_ptr<CacheFlags>>(&command, flags);
  };
  const auto [stats, stats_flags] = add("stats", "Entries, size, hit rate, tokens and money saved", CacheStats);
  stats->footer("Examples:\n  wfe cache stats\n  wfe cache stats --output json\n\nExit codes: 3 no server answers.");
  const auto [list, list_flags] = add("list", "The entries there are", ListCache);
  list->footer("Examples:\n  wfe cache list\n  wfe cache list --output jsonl\n\nExit codes: 3 no server answers.");
  const auto [clear, clear_flags] = add("clear", "Remove old entries", ClearCache);
  clear->add_option("--older-than", clear_flags->days, "Days (default 7); 0: all of them")
      ->check(WholeNumber(0, 36'500));
  clear->footer(
      "Examples:\n  wfe cache clear --older-than 30\n  wfe cache clear --older-than 0\n\n"
      "Exit codes: 2 bad option, 3 no server answers.");
  const auto [invalidate, invalidate_flags] = add("invalidate", "Remove one entry", InvalidateEntry);
  invalidate->add_option("KEY", invalidate_flags->key, "Its key, 64 hexadecimal digits")->required();
  invalidate->footer(
      "Examples:\n  wfe cache invalidate 3f0c…\n\nExit codes: 2 not a key, 3 no server answers, 4 no such entry.");
}

}  // namespace wfe::cli
