import Glibc
import Testing

/// `vfs-run plan` and `--trace`: what a start does, before and after.
struct PlanTests {
    @Test func `a plan needs no privilege, touches nothing and names every step's origin`() throws {
        try Sandbox.use { box in
            let nobody = try #require(Host.find("setpriv"))
            try box.copy(Host.runtime, to: "vfs-run")
            var config = box.config()
            config["vfs"]["overlay"]["upper"] = "../state"
            try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.watchingFiles {
                try Running(
                    nobody,
                    [
                        "--reuid=65534", "--regid=65534", "--clear-groups", box.path("vfs-run"),
                        "plan", "--json", box.path("bundle/config.json"),
                    ]
                ).finish()
            }
            #expect(outcome.code == 0, "\(outcome)")
            #expect(!box.exists("state"))
            let steps = try #require(try Value(parsing: outcome.output).array)
            #expect(steps.count > 20)
            for (index, step) in steps.enumerated() {
                #expect(step["step"].integer == Int64(index + 1))
                #expect(["runtime", "container"].contains(step["side"].string))
                #expect(step["does"].string?.isEmpty == false)
                #expect(step["undone"].string?.isEmpty == false)
                guard step["origin"] == "config" else { continue }
                #expect(step["file"].string == box.path("bundle/config.json"))
                #expect((step["line"].integer ?? 0) > 0)
                #expect(step["path"].string?.isEmpty == false)
            }
            let lines = config.prettyText.split(separator: "\n")
            let overlay = try #require(steps.first { $0["path"] == "vfs.overlay" })
            #expect(lines[Int(overlay["line"].integer ?? 1) - 1].contains("\"overlay\""))
        }
    }

    @Test func `the text of a plan has a line for each step of the JSON`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let text = try Running(Host.runtime, ["plan", file, "--", "echo", "hi"]).finish()
            let json = try Running(Host.runtime, ["plan", "--json", file]).finish()
            let steps = try #require(try Value(parsing: json.output).array)
            #expect(text.output.split(separator: "\n").count == steps.count)
            #expect(text.output.contains("execute echo hi"))
        }
    }

    @Test func `a trace has the time of every step of both processes`() throws {
        try Sandbox.use { box in
            box.mayChange = ["trace.json"]
            let file = box.path("trace.json")
            let outcome = try box.run(box.config(), ["--trace", file])
            #expect(outcome.code == 0)
            let trace = try Value(parsing: Host.read(file))
            let events = try #require(trace["traceEvents"].array)
            let complete = events.filter { $0["args"]["step"].integer != nil }
            let json = try Running(
                Host.runtime, ["plan", "--json", box.path("bundle/config.json")]
            ).finish()
            let steps = try #require(try Value(parsing: json.output).array)
            #expect(complete.count == steps.count)
            #expect(complete.map { $0["name"] } == steps.map { $0["does"] })
            #expect(Set(complete.map { $0["pid"] }).count == 2)
        }
    }

    @Test func `spec writes a config that runs as it is`() throws {
        try Sandbox.use { box in
            try box.makeRoot("bundle/rootfs")
            let spec = try Running(Host.runtime, ["spec", "--bundle", box.bundle]).finish()
            #expect(spec.code == 0, "\(spec)")
            let again = try Running(Host.runtime, ["spec", "--bundle", box.bundle]).finish()
            #expect(again.code == 1)
            #expect(again.error.contains("exists"))
            let outcome = try box.watchingFiles {
                try Running(
                    Host.runtime, [box.path("bundle/config.json"), "--", "/probe"]
                ).finish()
            }
            let facts = try Facts(outcome)
            #expect(facts["seccomp"] == 2)
            #expect(facts["hostname"] == "vfs-run")
        }
    }

    @Test(arguments: ["config.json", "script.json"])
    func `the configs that come with the project run`(_ name: String) throws {
        let file = Host.repository + "/config/" + name
        let arguments = name == "config.json" ? ["--", "hostname"] : []
        let outcome = try Running(Host.runtime, [file] + arguments).finish()
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.error == "")
    }
}
