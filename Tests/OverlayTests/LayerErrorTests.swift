import LinuxSystem
import Overlay
import SystemPackage
import TestSupport
import Testing

/// What is wrong with one directory of an overlay.
@Suite struct `Overlay errors of a layer` {
    let fixture: OverlayFixture

    init() throws {
        fixture = try OverlayFixture()
    }

    @Test(arguments: ["layer", "upper", "work directory"])
    func `a directory that is missing is named with its role`(_ role: String) throws {
        let path = fixture.directory["none"]
        let error = #expect(throws: OverlayError.self) { try fixture.open(path, as: role) }
        #expect(
            error?.sentence
                == "the \(role) \"\(path)\" does not exist; make it or correct the path")
        #expect(error?.errno == .noSuchFileOrDirectory)
    }

    @Test func `a file is no layer`() throws {
        let path = try fixture.directory.file("file")
        let error = #expect(throws: OverlayError.self) { try fixture.open(path) }
        #expect(
            error?.sentence == "the layer \"\(path)\" is not a directory; a layer is a directory")
    }

    @Test func `a loop of links is told in the kernel's words`() throws {
        try fixture.directory.link("loop", to: "loop")
        let path = fixture.directory["loop"]
        let error = #expect(throws: OverlayError.self) { try fixture.open(path) }
        #expect(
            error?.sentence
                == "the layer \"\(path)\" cannot be opened: too many levels of symbolic links")
    }

    @Test func `an overlay needs a layer`() throws {
        let error = failure([], upper: try fixture.make("upper"), work: try fixture.make("work"))
        #expect(error?.sentence == "an overlay needs at least one layer below the upper")
        #expect(failure([])?.sentence == "an overlay needs at least one layer below the upper")
    }

    @Test func `one layer without an upper is no overlay`() throws {
        let error = failure([try fixture.make("layer")])
        #expect(error?.sentence == "an overlay without an upper needs at least two layers")
    }

    @Test func `an upper needs a work directory`() throws {
        let error = failure([try fixture.make("layer")], upper: try fixture.make("upper"))
        #expect(
            error?.sentence
                == "the upper has no work directory; give it one on the same file system")
    }

    @Test func `501 layers are one too many`() throws {
        let layer = try fixture.make("layer")
        let error = failure(Array(repeating: layer, count: 501))
        #expect(
            error?.sentence
                == "501 layers are too many: overlayfs stacks at most 500; merge some of them")
    }

    @Test(arguments: ["upper", "work"])
    func `a directory on a read-only mount cannot be written`(_ name: String) throws {
        let role = name == "upper" ? "upper" : "work directory"
        for name in ["ro/upper", "ro/work", "layer", "upper", "work"] {
            try fixture.directory.directory(name)
        }
        let path = fixture.directory["ro/\(name)"]
        let sentences = try withPrivateMounts {
            let place = try fixture.open(fixture.directory["ro"])
            let tree = try DetachedMount.clone(place.borrowed, recursive: false)
            try tree.setAttributes(set: .readOnly)
            try tree.attach(to: place.borrowed)
            let target = try fixture.make("target")
            let overlay = OverlayMount(
                lowers: [try fixture.open(fixture.directory["layer"])],
                upper: try fixture.open(fixture.directory[name == "upper" ? "ro/upper" : "upper"]),
                work: try fixture.open(fixture.directory[name == "work" ? "ro/work" : "work"]),
                options: [])
            return OverlayInterface.supported.map { interface -> String? in
                do throws(OverlayError) {
                    _ = try overlay.mount(on: target.borrowed, interfaces: [interface])
                    return nil
                } catch {
                    return error.sentence
                }
            }
        }
        // The option string's mount(2) is told only that something is wrong; where the mounts
        // differ that is what can be seen.
        let readOnly =
            "the \(role) \"\(path)\" is on a read-only file system; put the writable layer"
            + " elsewhere or leave \"upper\" out for a throw-away one"
        for (sentence, interface) in zip(sentences, OverlayInterface.supported) {
            if interface == .optionString {
                #expect(sentence?.contains("are on different mounts") == true)
            } else {
                #expect(sentence == readOnly)
            }
        }
    }

    @Test func `both on a read-only mount are found without the kernel's words`() throws {
        for name in ["ro/upper", "ro/work", "layer"] { try fixture.directory.directory(name) }
        let sentence = try withPrivateMounts { () throws -> String? in
            let place = try fixture.open(fixture.directory["ro"])
            let tree = try DetachedMount.clone(place.borrowed, recursive: false)
            try tree.setAttributes(set: .readOnly)
            try tree.attach(to: place.borrowed)
            let overlay = OverlayMount(
                lowers: [try fixture.open(fixture.directory["layer"])],
                upper: try fixture.open(fixture.directory["ro/upper"]),
                work: try fixture.open(fixture.directory["ro/work"]), options: [])
            do throws(OverlayError) {
                let target = try OverlayDirectory(opening: fixture.directory["layer"], as: "target")
                _ = try overlay.mount(on: target.borrowed, interfaces: [.optionString])
                return nil
            } catch {
                return error.sentence
            }
        }
        #expect(
            sentence
                == "the upper \"\(fixture.directory["ro/upper"])\" is on a read-only file system;"
                + " put the writable layer elsewhere or leave \"upper\" out for a throw-away one")
    }

    @Test func `a file system that takes no upper is not mounted read-only in silence`() throws {
        let error = failure(
            [try fixture.make("layer")], upper: try fixture.open("/sys/kernel"),
            work: try fixture.open("/sys/fs"))
        let sentence = try #require(error?.sentence)
        #expect(
            sentence.hasPrefix(
                "the upper \"/sys/kernel\" is on a file system that cannot hold a writable layer"))
        #expect(sentence.hasSuffix("; put it on ext4, xfs, btrfs or tmpfs"))
        #expect(error?.errno == .readOnlyFileSystem)
    }
}
