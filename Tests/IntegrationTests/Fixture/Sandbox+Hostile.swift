import Glibc
import Testing

/// What a test of a hostile root does.
extension Sandbox {
    /// Without an overlay, so that writing through a link would really write.
    func attack(
        _ config: Value? = nil, changes: Set<String> = ["rootfs"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        mayChange = changes
        return try run(config ?? plainConfig(), sourceLocation: sourceLocation)
    }

    func replace(_ name: String, byLinkTo target: String) throws {
        rmdir(path("rootfs/\(name)"))
        try link("rootfs/\(name)", to: target)
    }
}
