// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <scc/oci/frames.hpp>
#include <scc/sdk/failure.hpp>

namespace scc::oci {
namespace {

using Channel = Demultiplexer::Channel;

std::string frame(unsigned char channel, const std::string& payload) {
  std::string head(8, '\0');
  head[0] = static_cast<char>(channel);
  for (std::size_t i = 0; i < 4; ++i)
    head[4 + i] = static_cast<char>((payload.size() >> (24 - 8 * i)) & 0xFFU);
  return head + payload;
}

/// Everything that can be taken, as "o:..." and "e:..." pieces.
std::string drain(Demultiplexer& frames) {
  std::string all;
  while (true) {
    std::string payload;
    const Channel channel = frames.take(payload);
    if (channel == Channel::none) return all;
    all += (channel == Channel::out ? "o:" : "e:") + payload + ";";
  }
}

TEST(Frames, SeparatesChannelsAndJoinsNeighbours) {
  Demultiplexer frames;
  frames.feed(frame(1, "a") + frame(1, "b") + frame(2, "c") + frame(2, "") +
              frame(1, std::string("d\0e", 3)));
  EXPECT_EQ(drain(frames), std::string("o:ab;e:c;o:d\0e;", 15));
  EXPECT_TRUE(frames.at_boundary());
}

TEST(Frames, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string bytes = frame(1, "hello") + frame(2, "world") + frame(1, "") + frame(3, "engine");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    Demultiplexer frames;
    std::string out;
    std::string err;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      frames.feed(std::string_view(bytes).substr(at, step));
      std::string payload;
      Channel channel = Channel::none;
      while ((channel = frames.take(payload)) != Channel::none) {
        (channel == Channel::out ? out : err) += payload;
        payload.clear();
      }
    }
    EXPECT_EQ(out, "hello") << step;
    EXPECT_EQ(err, "worldengine") << step;
    EXPECT_TRUE(frames.at_boundary()) << step;
  }
}

TEST(Frames, HandsOnAHugeFrameAsItArrives) {
  Demultiplexer frames;
  std::string head = frame(1, "");
  head[4] = '\xff';  // 4,278,190,080 bytes are announced
  frames.feed(head + "first");
  EXPECT_EQ(drain(frames), "o:first;");
  EXPECT_FALSE(frames.at_boundary());
  frames.feed("second");
  EXPECT_EQ(drain(frames), "o:second;");
}

TEST(Frames, RefusesWhatIsNoFrame) {
  for (const std::string& bytes : {std::string("raw text"), std::string("\x04\0\0\0\0\0\0\1x", 9),
                                   std::string("\x01\0\1\0\0\0\0\1x", 9)}) {
    Demultiplexer frames;
    frames.feed(bytes);
    std::string payload;
    EXPECT_THROW(frames.take(payload), sdk::Failure);
  }
}

}  // namespace
}  // namespace scc::oci
