import LinuxSystem
import Overlay
import SystemPackage
import TestSupport
import Testing

/// An upper that remembers another mount.
@Suite struct `Overlay errors of a used upper` {
    let fixture: OverlayFixture
    let layer: OverlayDirectory
    let upper: OverlayDirectory
    let work: OverlayDirectory

    init() throws {
        fixture = try OverlayFixture()
        layer = try fixture.layer("layer")
        upper = try fixture.make("upper")
        work = try fixture.make("work")
    }

    private func overlay(_ options: [String]) -> OverlayMount {
        OverlayMount(lowers: [layer], upper: upper, work: work, options: options)
    }

    @Test func `an upper in use cannot be used with an index`() throws {
        let first = try overlay(["index=on"]).create()
        let error = failure([layer], upper: upper, work: try fixture.make("work2"), ["index=on"])
        #expect(
            error?.sentence
                == "the upper \"\(fixture.directory["upper"])\" or its work directory is in use by"
                + " another overlay; end that one first")
        #expect(error?.errno == .resourceBusy)
        _ = consume first
    }

    @Test func `a work directory in use cannot be used with an index`() throws {
        let first = try overlay(["index=on"]).create()
        let error = failure([layer], upper: try fixture.make("upper2"), work: work, ["index=on"])
        #expect(
            error?.sentence
                == "the upper \"\(fixture.directory["upper2"])\" or its work directory is in use by"
                + " another overlay; end that one first")
        _ = consume first
    }

    @Test func `without an index the kernel only warns, so the runtime has to lock`() throws {
        let first = try overlay([]).create()
        let error = failure([layer], upper: upper, work: try fixture.make("work2"), [])
        #expect(error == nil)
        _ = consume first
    }

    @Test func `an upper made over other layers is told from its index`() throws {
        _ = try overlay(["index=on"]).create()
        let other = try fixture.layer("other")
        let error = failure([other], upper: upper, work: work, ["index=on"])
        #expect(
            error?.sentence
                == "the upper \"\(fixture.directory["upper"])\" was made over other layers than"
                + " these; use the layers it was made with, or a new upper")
        #expect(error?.errno == .staleNFSFileHandle)
    }

    @Test(arguments: [[], ["volatile"]])
    func `an upper that a volatile mount left is not trusted`(_ options: [String]) throws {
        _ = try overlay(["volatile"]).create()
        let error = failure([layer], upper: upper, work: work, options)
        #expect(
            error?.sentence
                == "the upper \"\(fixture.directory["upper"])\" was left by a \"volatile\" mount and"
                + " may be incomplete; throw it away, or remove"
                + " \"\(fixture.directory["work"])/work/incompat\" if you trust it")
    }

    @Test(
        .enabled(if: canReadKernelLog, "needs the right to read /dev/kmsg"))
    func `the kernel's own words come along`() throws {
        let error = failure([layer], upper: upper, work: upper)
        #expect(
            error?.kernelWords.contains("workdir and upperdir must be separate subtrees") == true)
    }
}

private let canReadKernelLog = (try? HostPath.open("/dev/kmsg", .readOnly)) != nil
