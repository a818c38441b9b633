internal import LinuxSystem

final class HeldRoot: Sendable {
    let directory: RootDirectory

    init(_ directory: consuming RootDirectory) {
        self.directory = directory
    }
}

final class HeldChannel: Sendable {
    let channel: Channel

    init(_ channel: consuming Channel) {
        self.channel = channel
    }
}

final class HeldRules: Sendable {
    let rules: LandlockRules

    init(_ rules: consuming LandlockRules) {
        self.rules = rules
    }
}

final class BindSource: Sendable {
    let tree: DetachedMount
    let isDirectory: Bool

    init(_ tree: consuming DetachedMount, isDirectory: Bool) {
        self.tree = tree
        self.isDirectory = isDirectory
    }
}

/// A source of a bind mount that lies in the directory which becomes the container's root: an
/// earlier mount of the container may provide it.
struct InnerSource: Sendable {
    /// Below the root: names of the kernel's, and behind them what the host does not have.
    let path: String
    let isRecursive: Bool
    /// Whether the host has something there.
    let isOnHost: Bool
}
