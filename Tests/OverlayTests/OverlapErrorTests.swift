import LinuxSystem
import Overlay
import SystemPackage
import TestSupport
import Testing

/// Directories that lie where they must not.
@Suite struct `Overlay errors of overlapping directories` {
    let fixture: OverlayFixture
    let layer: OverlayDirectory
    let upper: OverlayDirectory
    let work: OverlayDirectory

    init() throws {
        fixture = try OverlayFixture()
        layer = try fixture.layer("layer")
        upper = try fixture.make("rw/upper")
        work = try fixture.make("rw/work")
    }

    private func path(_ name: String) -> String { fixture.directory[name] }

    @Test(.enabled(if: isOnAnotherMount("/dev/shm"), "needs a second mount: /dev/shm"))
    func `upper and work directory must be on one mount`() throws {
        let other = try TemporaryDirectory(in: "/dev/shm")
        let error = failure([layer], upper: upper, work: try fixture.open(other.path))
        #expect(
            error?.sentence
                == "the upper (\"\(path("rw/upper"))\") and the work directory (\"\(other.path)\")"
                + " are on different mounts; put both on one file system")
    }

    @Test(arguments: [
        ("rw/upper", "rw/upper/inner/work"), ("rw/work/inner/upper", "rw/work"),
        ("rw/upper", "rw/upper"),
    ])
    func `upper and work directory must lie beside each other`(
        _ upper: String, _ work: String
    ) throws {
        let error = failure([layer], upper: try fixture.make(upper), work: try fixture.make(work))
        #expect(
            error?.sentence
                == "the upper (\"\(path(upper))\") and the work directory (\"\(path(work))\") must"
                + " lie beside each other, neither inside the other")
    }

    @Test(arguments: [["layer", "layer/deep/inner"], ["layer/deep/inner", "layer"]])
    func `a layer must not lie inside another, whichever is the upper one`(
        _ names: [String]
    ) throws {
        let error = failure(try names.map(fixture.make), upper: upper, work: work)
        #expect(
            error?.sentence
                == "the layer \"\(path("layer/deep/inner"))\" lies inside the layer"
                + " \"\(path("layer"))\"; layers must be separate trees")
        #expect(error?.errno == .tooManySymbolicLinkLevels)
    }

    @Test func `a layer must not stand twice`() throws {
        let error = failure([layer, try fixture.make("other"), layer], upper: upper, work: work)
        #expect(error?.sentence == "the layer \"\(path("layer"))\" is named twice; name it once")
    }

    @Test func `a layer by another name is the same layer`() throws {
        try fixture.directory.link("alias", to: "layer")
        let alias = try fixture.open(path("alias"))
        let error = failure([layer, alias], upper: upper, work: work)
        #expect(error?.sentence == "the layer \"\(path("alias"))\" is named twice; name it once")
    }

    @Test(arguments: [("rw/upper", "upper"), ("rw/work", "work directory")])
    func `a layer must not be the upper or the work directory`(
        _ name: String, _ role: String
    ) throws {
        let error = failure([layer, try fixture.make(name)], upper: upper, work: work)
        #expect(
            error?.sentence
                == "\"\(path(name))\" is a layer and the \(role) at once; they must be different"
                + " directories")
    }

    @Test(arguments: [("rw/upper", "upper"), ("rw/work", "work directory")])
    func `a layer must not lie inside the upper or the work directory`(
        _ name: String, _ role: String
    ) throws {
        let error = failure([layer, try fixture.make("\(name)/in")], upper: upper, work: work)
        #expect(
            error?.sentence
                == "the layer \"\(path(name))/in\" and the \(role) \"\(path(name))\" lie inside one"
                + " another; they must be separate trees")
    }
}

/// Whether `path` is on another mount than `/tmp`.
private func isOnAnotherMount(_ path: String) -> Bool {
    guard let one = try? OverlayDirectory(opening: path, as: "probe"),
        let other = try? OverlayDirectory(opening: "/tmp", as: "probe")
    else { return false }
    let ids = (try? one.borrowed.mountID(), try? other.borrowed.mountID())
    return ids.0 != ids.1
}
