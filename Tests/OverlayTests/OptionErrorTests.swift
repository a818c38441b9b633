import Overlay
import SystemPackage
import TestSupport
import Testing

@Suite struct `Overlay errors of options` {
    let fixture: OverlayFixture

    init() throws {
        fixture = try OverlayFixture()
    }

    private func failure(_ options: [String], _ interface: OverlayInterface) throws -> OverlayError?
    {
        OverlayTests.failure(
            [try fixture.make("layer")], upper: try fixture.make("upper"),
            work: try fixture.make("work"), options, interfaces: [interface])
    }

    static let table: [(option: String, sentence: String)] = [
        (
            "colour=on",
            "overlayfs of this kernel does not know the option \"colour=on\"; remove it from"
                + " vfs.overlay.options"
        ),
        (
            "colour",
            "overlayfs of this kernel does not know the option \"colour\"; remove it from"
                + " vfs.overlay.options"
        ),
        (
            "index=maybe",
            "overlayfs does not take \"index=maybe\"; most of its options are \"on\" or \"off\""
        ),
        (
            "index",
            "overlayfs does not take \"index\"; most of its options are \"on\" or \"off\""
        ),
        (
            "metacopy=on,index=on",
            "overlayfs does not take \"metacopy=on,index=on\"; most of its options are \"on\" or"
                + " \"off\""
        ),
        ("userxattr=on", "the overlay option \"userxattr\" takes no value; write it alone"),
        (
            "redirect_dir=" + String(repeating: "x", count: 256),
            "the overlay option \"redirect_dir\" has 256 bytes; the kernel takes at most 255"
        ),
    ]

    @Test(arguments: table, OverlayInterface.supported.filter { $0 != .optionString })
    func `an option that is not taken is named`(
        _ row: (option: String, sentence: String), _ interface: OverlayInterface
    ) throws {
        #expect(try failure([row.option], interface)?.sentence == row.sentence)
    }

    static let conflicts = [
        ["metacopy=on", "userxattr"], ["nfs_export=on", "metacopy=on"],
        ["redirect_dir=on", "userxattr"], ["nfs_export=on", "index=off"],
        ["metacopy=on", "redirect_dir=off"], ["metacopy=on", "redirect_dir=follow"],
        ["metacopy=on", "redirect_dir=nofollow"],
    ]

    @Test(arguments: conflicts, [false, true])
    func `options that exclude each other are both named`(
        _ options: [String], _ reversed: Bool
    ) throws {
        let error = try failure(
            reversed ? options.reversed() : options, OverlayInterface.supported[0])
        #expect(
            error?.sentence
                == "the overlay options \"\(options[0])\" and \"\(options[1])\" exclude each other;"
                + " remove one")
    }

    @Test func `a kernel that knows no way is told apart`() throws {
        let layer = try fixture.make("layer")
        #expect(
            OverlayTests.failure([layer], interfaces: [])?.sentence
                == "this kernel has no way to mount an overlay")
    }
}
