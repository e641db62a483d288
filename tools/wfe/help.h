// How --help looks: no line is wider than the terminal, and none wider than 80 columns.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace wfe::cli {

/// Lays a command's help out in so many columns.  Descriptions and sentences are wrapped between words; examples, which
/// begin with two spaces, as a shell goes on: with a backslash at the end of a line.
class HelpFormatter : public CLI::Formatter {
 public:
  static constexpr size_t kWidest = 80;
  static constexpr size_t kNarrowest = 40;

  explicit HelpFormatter(size_t width);

  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* sub) const override;

 private:
  std::string Row(const std::string& name, const std::string& description) const;

  const size_t width_;
};

/// What stands for an option's value: the words that it takes, "a|b", or its kind, e.g. TEXT, NUMBER or SECONDS.
std::string ValueName(const CLI::Option& option);

/// A footer in so many columns.  A line that is not set in goes on with the one before it, unless that ends a sentence.
std::string WrappedFooter(const std::string& footer, size_t width);

}  // namespace wfe::cli
