// Secrets in files of any kind (CW-4): found by shape and randomness, and shown by nobody.
#include "activities/packaged/trading/secrets.h"

#include <gmock/gmock.h>

#include "activities/packaged/trading/audit_patterns.h"
#include "tests/activities/packaged/trading/trading_machine.h"

namespace wfe::trading {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> KindsIn(const std::string& text) {
  std::vector<std::string> kinds;
  for (const FoundSecret& one : FindSecrets(text)) kinds.push_back(one.kind + " " + std::to_string(one.line));
  return kinds;
}

TEST(Secrets, AreFoundByTheirShape) {
  const std::string tail = "ABCDEFGHIJKLMNOP";
  EXPECT_THAT(KindsIn("x = 1\nconnect('AKIA" + tail + "')\n"), ElementsAre("an AWS access key 2"));
  EXPECT_THAT(KindsIn("url = 'https://trader:k2Pq9vXz@orders.example.com'"), ElementsAre("a password in an address 1"));
  EXPECT_THAT(KindsIn("-----BEGIN RSA " "PRIVATE KEY-----"), ElementsAre("a private key 1"));
}

TEST(Secrets, AreFoundByTheNameThatTheyAreGivenTo) {
  EXPECT_THAT(KindsIn("API_SECRET = \"q7Xv2LmN9tRz4KpW\""), ElementsAre("a secret 1"));
  EXPECT_THAT(KindsIn("{\"broker_api_key\": \"9d3kf83jfk29vk3x\"}"), ElementsAre("a key 1"));
  EXPECT_THAT(KindsIn("[broker]\npassword = Tg5!vRq8Zx2-Lm7w\n"), ElementsAre("a password 2"));
  const auto whole = FindSecrets("password = Tg5!vRq8Zx2#Lm7w;x  # of the broker");
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].value, "Tg5!vRq8Zx2#Lm7w;x") << "what is left of a secret would be shown";
  EXPECT_THAT(KindsIn("connect(password='Tg5vRq8Zx2Lm7w')"), ElementsAre("a password 1"));
}

TEST(Secrets, ArePlaceholdersAndReferencesNot) {
  for (const char* line : {"API_KEY = os.environ[\"BROKER_API_KEY\"]", "api_key = getenv('KEY_OF_BROKER')",
                           "password = \"changeme\"", "password: ${BROKER_PASSWORD}", "secret = \"<your secret here>\"",
                           "api_key = \"xxxxxxxxxxxxxxxx\"", "token = read_token(path)", "password = \"aaaaaaaaaaaa\"",
                           "api_key = config.broker_key", "access_token: str = None"}) {
    EXPECT_THAT(KindsIn(line), IsEmpty()) << line;
  }
}

TEST(Secrets, AreNeverShownWhole) {
  const auto found = FindSecrets("API_SECRET = \"q7Xv2LmN9tRz4KpW8sYb3HdF6gJc1Ea5\"");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(SecretHint(found[0]), "q7… (32 characters)");
  EXPECT_GT(found[0].entropy, 4);
}

TEST(Secrets, AreMaskedInTheEvidenceOfEveryFinding) {
  const std::string text = "KEY = 1\npassword = \"Tg5vRq8Zx2Lm7w\"; eval(x, \"Tg5vRq8Zx2Lm7w\")\n";
  const std::vector<LoadedSource> loaded = {{.file = {.path = "a.js", .language = "JavaScript"}, .text = text}};
  auto findings = AuditByPatterns(loaded[0]);
  for (const TradingFinding& secret : AuditSecrets(loaded)) findings.push_back(secret);
  ASSERT_EQ(findings.size(), 2u);
  AddEvidence(findings, loaded);
  for (const TradingFinding& one : findings) {
    EXPECT_EQ(one.line, 2);
    EXPECT_THAT(one.evidence, Not(HasSubstr("Tg5vRq")));
    EXPECT_THAT(one.evidence, HasSubstr("[redacted"));
  }
}

TEST(Entropy, IsOfTheCharacters) {
  EXPECT_EQ(BitsACharacter("aaaa"), 0);
  EXPECT_EQ(BitsACharacter("abcd"), 2);
  EXPECT_EQ(BitsACharacter(""), 0);
}

TEST(Patterns, FindInjectionInOtherLanguages) {
  const LoadedSource source{.file = {.path = "bot.js", .language = "JavaScript"},
                            .text = "// eval(comment)\nconst f = eval(rule);\nexecSync(`gzip ${symbol}`);\n"
                                    "db.query(`SELECT * FROM t WHERE s = '${symbol}'`);\n"
                                    "fetch(\"http://quotes.example.com\");\nfetch('http://localhost:80');\n"};
  std::vector<std::string> told;
  for (const TradingFinding& one : AuditByPatterns(source)) told.push_back(one.rule + ":" + std::to_string(one.line));
  EXPECT_THAT(told, ElementsAre("code-execution:2", "shell-injection:3", "sql-injection:4", "insecure-transport:5"));
}

TEST(Omissions, AreNamesThatNobodyUses) {
  EXPECT_EQ(AuditOmissions({"signals", "close"}, "a.py", 1).size(), 3u);
  EXPECT_THAT(AuditOmissions({"stop_loss", "max_weight", "fee_rate"}, "a.py", 1), IsEmpty());
  EXPECT_THAT(AuditOmissions({"trailingStop", "position_limit", "commission"}, "a.py", 1), IsEmpty());
}

}  // namespace
}  // namespace wfe::trading
