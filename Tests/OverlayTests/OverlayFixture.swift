import LinuxSystem
import Overlay
import SystemPackage
import TestSupport

/// Directories for one overlay, on a file system that takes an upper.
struct OverlayFixture {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Makes a directory and opens it.
    func make(_ name: String) throws -> OverlayDirectory {
        try open(try directory.directory(name))
    }

    func open(_ path: String, as role: String = "layer") throws -> OverlayDirectory {
        try OverlayDirectory(opening: path, as: role)
    }

    /// A layer that holds one file with its own name in it.
    func layer(_ name: String) throws -> OverlayDirectory {
        try directory.file("\(name)/from", name)
        try directory.file("\(name)/only-\(name.replacing("/", with: "-"))", name)
        return try open(directory[name])
    }
}

/// The error of a mount that must fail.
func failure(
    _ lowers: [OverlayDirectory], upper: OverlayDirectory? = nil, work: OverlayDirectory? = nil,
    _ options: [String] = [], interfaces: [OverlayInterface] = OverlayInterface.allCases
) -> OverlayError? {
    let overlay = OverlayMount(lowers: lowers, upper: upper, work: work, options: options)
    do throws(OverlayError) {
        _ = try overlay.create(interfaces: interfaces)
        return nil
    } catch {
        return error
    }
}

extension OverlayInterface {
    /// The ways that the running kernel knows.
    static let supported: [OverlayInterface] = allCases.filter { interface in
        interface == .optionString || isSupported(interface)
    }

    private static func isSupported(_ interface: OverlayInterface) -> Bool {
        do {
            let fixture = try OverlayFixture()
            return failure(
                [try fixture.make("one"), try fixture.make("two")], interfaces: [interface]) == nil
        } catch {
            return false
        }
    }
}
