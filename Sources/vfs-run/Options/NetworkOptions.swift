extension Option {
    static let network = Option(
        "network", value: "NETWORK",
        completes: .words(["none", "host", "pasta", "slirp4netns", "proxy=unix:"]),
        "none (default), host, pasta or slirp4netns, or proxy=unix:SOCKET for an HTTP proxy at"
            + " 127.0.0.1:3128")
}
