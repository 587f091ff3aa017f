{
  "targets": [
    {
      "target_name": "wanbond",
      "sources": [
        "native/addon.cc",
        "native/aead-key.cc",
        "native/aead.cc",
        "native/api-ports.cc",
        "native/api-system.cc",
        "native/coalescer.cc",
        "native/events.cc",
        "native/fd-facts.cc",
        "native/netlink.cc",
        "native/ports.cc",
        "native/super-frame.cc",
        "native/tap-open.cc",
        "native/tap-reader.cc",
        "native/tap-writer.cc",
        "native/tcp-view.cc",
        "native/udp-address.cc",
        "native/udp-open.cc",
        "native/udp-reader.cc",
        "native/udp-writer.cc",
        "native/unix-datagram.cc"
      ],
      "defines": ["NAPI_VERSION=8"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-O2"],
      "cflags_cc": ["-std=c++17", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden"]
    }
  ]
}
