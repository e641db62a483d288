// wfe dashboard: what generations did, what the optimizer made of them, and what model calls cost (RP-5, RP-6, CL-9).
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "activities/dashboard/page.h"
#include "activities/dashboard/source.h"
#include "activities/dashboard/text.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

using dashboard::DashboardRows;

struct DashboardOptions {
  RecordsOptions records;
  int hours = 24;
  double every_s = 5;
  bool once = false;
  std::string html;
  std::string rows;

  Duration window() const { return std::chrono::hours(hours); }
};

size_t TerminalHeight() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) return size.ws_row;
  return 24;
}

/// In place of what stood there, without a blank screen between: what does not fit below is left out and said.
void Repaint(const std::string& text, const std::string& status) {
  const size_t room = std::max<size_t>(TerminalHeight(), 4) - 2;
  std::string screen = "\033[H";
  size_t shown = 0;
  size_t lines = 0;
  for (size_t begin = 0; begin < text.size(); ++lines) {
    const size_t end = text.find('\n', begin);
    if (lines < room) {
      screen += text.substr(begin, end - begin) + "\033[K\n";
      ++shown;
    }
    begin = end + 1;
  }
  std::string foot = status;
  if (lines > shown) foot += fmt::format("; {} more lines: wfe dashboard --once", lines - shown);
  screen += "\033[K\n\033[J" + FitsWidth(foot, TerminalWidth());
  std::fputs(screen.c_str(), stdout);
  std::fflush(stdout);
}

/// Until a signal ends it.  A server that goes away is waited for; the last figures stay on the screen.
Result<int> Refresh(dashboard::DashboardSource& source, const DashboardOptions& options, const DashboardRows* rows) {
  std::fputs("\033[2J", stdout);
  std::string text;
  while (true) {
    const Instant now = SystemClock().Now();
    std::string status = fmt::format("every {:g} s; Ctrl-C ends", options.every_s);
    if (rows != nullptr) {
      text = DashboardText(MakeDashboard(*rows, now, options.window()), TerminalWidth());
    }
    Repaint(text, rows != nullptr ? status : "no answer from the server; trying again, " + status);
    std::this_thread::sleep_for(std::chrono::duration<double>(options.every_s));
    const auto again = source.Read(SystemClock().Now(), options.window());
    rows = again ? *again : nullptr;
  }
}

Status WritePage(const std::string& path, const std::string& page) {
  const std::string fresh = path + ".new";
  std::ofstream out(fresh, std::ios::binary);
  out << page;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(fresh, path, error);
  if (out && !error) return Ok();
  std::filesystem::remove(fresh, error);
  return InvalidArgument("cannot write " + path);
}

template <class Row>
int PrintRows(const std::vector<Row>& rows) {
  for (const Row& row : rows) PrintJson(nlohmann::json(row), OutputFormat::kJsonl);
  return kExitOk;
}

Result<int> ShowDashboard(Globals& globals, const DashboardOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  dashboard::DashboardSource source(*connection.records(),
                                    [&] { return client::ReadBudgets(connection.channel(globals), ""); });
  const Instant now = SystemClock().Now();
  WFE_ASSIGN_OR_RETURN(const DashboardRows* rows, source.Read(now, options.window()));
  if (options.rows == "generations") return PrintRows(GenerationsOf(*rows, now, options.window()));
  if (options.rows == "reports") return PrintRows(ReportsOf(*rows, now, options.window()));
  if (options.rows == "cycles") return PrintRows(CyclesOf(*rows, now, options.window()));
  const dashboard::Dashboard figures = MakeDashboard(*rows, now, options.window());
  if (!options.html.empty()) {
    WFE_RETURN_IF_ERROR(WritePage(options.html, DashboardPage(figures, *rows, now, options.window())));
    PrintEvent("written to " + options.html, {{"written_to", options.html}}, globals.format);
    return kExitOk;
  }
  if (globals.format != OutputFormat::kText) {
    PrintJson(nlohmann::json(figures), globals.format);
    return kExitOk;
  }
  if (!options.once && StdoutIsTerminal()) return Refresh(source, options, rows);
  PrintText(DashboardText(figures, StdoutIsTerminal() ? TerminalWidth() : 80));
  return kExitOk;
}

}  // namespace

void AddDashboardCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<DashboardOptions>();
  CLI::App& command =
      *app.add_subcommand("dashboard", "What generations did and cost, and what the optimizer made of them");
  AddClientOptions(command, globals);
  AddRecordsOption(command, options->records);
  command.add_option("--hours", options->hours, "The window: so many hours until now (default 24)")
      ->check(WholeNumber(1, 744));
  command.add_option("--every", options->every_s, "On a terminal: seconds between two looks (default 5)")
      ->check(Seconds());
  command.add_flag("--once", options->once, "Print it once and stop, as is done where stdout is no terminal");
  auto* html = command.add_option("--html", options->html, "Write it as a page of its own to this file");
  command
      .add_option("--rows", options->rows,
                  "The stored rows that figures count, as JSON lines: generations, reports or cycles")
      ->transform(OneOf("--rows", {"generations", "reports", "cycles"}))
      ->excludes(html);
  command.footer(
      "Examples:\n  wfe dashboard\n  wfe dashboard --once --hours 168\n  wfe dashboard --html dashboard.html\n"
      "  wfe dashboard --rows generations | jq .duration_ms\n  wfe dashboard --output json | jq .costs.today\n\n"
      "Days and months of costs are those of UTC; costs and budgets are of all workflows, the other figures of "
      "generations.\nExit codes: 2 bad option, 3 no server answers.");
  command.callback([&globals, options] { globals.Run([&] { return ShowDashboard(globals, *options); }); });
}

}  // namespace wfe::cli
