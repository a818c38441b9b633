public import SystemPackage

/// A descriptor that several owners share, or that lies in a class or a collection, which cannot hold
/// it bare.
public final class HeldDescriptor: Sendable {
    private let owned: OwnedDescriptor

    public init(_ owned: consuming OwnedDescriptor) {
        self.owned = owned
    }

    public var borrowed: FileDescriptor { owned.borrowed }
}
