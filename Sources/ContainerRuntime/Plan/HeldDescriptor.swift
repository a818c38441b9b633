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
