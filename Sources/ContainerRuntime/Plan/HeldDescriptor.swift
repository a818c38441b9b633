public import LinuxSystem
public import SystemPackage

/// A descriptor in the context, which is a class and so cannot hold it bare.
public final class HeldDescriptor: Sendable {
    private let owned: OwnedDescriptor

    public init(_ owned: consuming OwnedDescriptor) {
        self.owned = owned
    }

    public var borrowed: FileDescriptor { owned.borrowed }
}

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
