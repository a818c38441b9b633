public import LinuxSystem
public import SystemPackage

/// A directory of one layer, open for reading.
public final class LayerDirectory: Sendable {
    private let descriptor: OwnedDescriptor
    /// 0 is the topmost layer.
    let layer: Int
    /// Goes with it: a lock.
    private let kept: (any Sendable & AnyObject)?

    public init(
        _ descriptor: consuming OwnedDescriptor, layer: Int,
        keeping kept: (any Sendable & AnyObject)? = nil
    ) {
        self.descriptor = descriptor
        self.layer = layer
        self.kept = kept
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }

    /// The same directory as another layer of another stack.
    func numbered(_ layer: Int) throws(Failure) -> LayerDirectory {
        LayerDirectory(
            try attempt("dup", "of a layer", try OwnedDescriptor.duplicate(borrowed)), layer: layer,
            keeping: self)
    }
}
