#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <thread>

#include "pair.hpp"

// Only the GNU C library gives the threads that a library starts another size of stack; a sanitizer takes
// more of it.
#if defined(__GLIBC__) && !defined(DUET_SANITIZED)

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace duet;
using namespace duet::testing;

namespace {

/// What a JVM's, a fibre's or musl's threads have, or less.
constexpr std::size_t small_stack = std::size_t{128} << 10U;

/// How a child process ended that ran `prepare` on its main thread, and what it returned on a thread with a
/// small stack: 0 if well. Threads that `prepare` starts have small stacks too.
template <class Prepare>
int ended(const Prepare& prepare) {
    const pid_t child = fork();
    if (child == 0) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, small_stack);
        pthread_setattr_default_np(&attributes);
        auto work = prepare();
        std::thread(std::ref(work)).join();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

std::shared_ptr<const Dataset> pictures(const Pair& pair) {
    auto data = std::make_shared<Dataset>();
    data->count = 64;
    data->height = pair.height;
    data->width = pair.width;
    data->channels = pair.channels;
    for (std::size_t i = 0; i < data->count * data->image_size(); ++i)
        data->images.push_back(static_cast<std::uint8_t>(i * 37 % 251));
    return data;
}

std::shared_ptr<models::Trainer> trainer(const Pair& pair, const std::string& penalties,
                                         const std::string& rate = "1e-4") {
    const Settings settings{"penalties=" + penalties, "batch=32", "optimizers.generator.rate=" + rate,
                            "optimizers.discriminator.rate=" + rate};
    return std::make_shared<models::Trainer>(gan_trainer(pair, 0, settings, pictures(pair), {.threads = 2}));
}

}  // namespace

TEST_CASE("a training step runs on small stacks") {
    // 512 columns a row, which products copy together first; maps that are lowered, gathered and filtered.
    const Pair mlp{{64, 512, 512, 784}, {784, 512, 512, 1}};
    const Pair dcgan{{64, 64, 32, 16}, {16, 32, 64}, 32, 32, 3, "dcgan", 0, false};
    const Pair resnet{{64, 32, 32, 32, 32}, {32, 32, 32}, 32, 32, 3, "resnet"};
    for (const Pair& pair : {mlp, dcgan, resnet})
        for (const char* penalties : {"[]", "[{kind=\"r1\"}]", "[{kind=\"gp\"}]"}) {
            CAPTURE(pair.model);
            CAPTURE(penalties);
            CHECK(ended([&] { return [trained = trainer(pair, penalties)] { trained->step(); }; }) == 0);
        }
}

TEST_CASE("what was not finite is found on small stacks") {
    CHECK(ended([] {
              return [trained = trainer({}, "[{kind=\"r1\"}]", "1e30")] {
                  try {
                      for (int step = 0; step < 99; ++step) trained->step();
                  } catch (const NonFiniteError&) {
                      return;
                  }
                  _exit(1);
              };
          }) == 0);
}

#endif
