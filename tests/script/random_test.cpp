// Sessions that no one thought of. The fuzz program fuzz_core looks for worse ones.
#include <gtest/gtest.h>

#include <random>

#include "random_session.hpp"

namespace pgswitch::script {

TEST(random_session, keeps_every_promise) {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    std::string choices(400, '\0');
    for (char& choice : choices) choice = static_cast<char>(random());
    if (random_session(choices).empty()) continue;
    std::string story;
    const std::string failure = random_session(choices, &story);
    FAIL() << "seed " << seed << ": " << failure << "\n" << story;
  }
}

}  // namespace pgswitch::script
