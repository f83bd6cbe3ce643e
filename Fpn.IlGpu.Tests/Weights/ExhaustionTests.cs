using System.Diagnostics;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Files that are valid, or nearly so, but would take time or memory out of all proportion to their size.</summary>
internal sealed class ExhaustionTests
{
    [Test]
    public void Zeros_that_deflate_to_almost_nothing_are_refused()
    {
        const int Count = 1 << 28;
        var pickle = Checkpoints.Pickle(w => w.Tensor("0", Count, 0, [Count], [1], "CharStorage"));
        var file = ZipWriter.Write(
            new("a/data.pkl", pickle), new ZipFile("a/data/0", new byte[Count]) { Deflate = true });
        Assert.That(file, Has.Length.LessThan(1 << 20));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(Checkpoints.Refusal(file), Does.Contain("a file of its size may take at most"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10 << 20));
    }

    [Test]
    public void More_tensors_than_any_network_has_are_refused()
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            for (var i = 0; i < 30_000; i++)
                w.Text($"t{i}").Tensor("0", 0, 0, [0], [1]);
        }).End();
        Assert.That(Checkpoints.Refusal(Checkpoints.Zip(pickle)), Does.Contain("it has 30000 tensors"));
        var header = string.Join(",", Enumerable.Range(0, 30_000)
            .Select(i => $$"""" "{{i}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]} """"));
        var json = System.Text.Encoding.UTF8.GetBytes($"{{{header}}}");
        Assert.That(Checkpoints.Refusal([.. BitConverter.GetBytes((ulong)json.Length), .. json]), Does.Contain("more than 20000 tensors"));
    }

    [TestCase(PickleOpcode.Int, "a number of more than 256 characters")]
    [TestCase(PickleOpcode.Global, "a name of more than 4096 characters")]
    [TestCase(PickleOpcode.Unicode, "a text of more than 67108864 characters")]
    public void A_line_without_an_end_is_refused(PickleOpcode opcode, string says)
    {
        var file = new byte[(1 << 27) + 1];
        file.AsSpan().Fill((byte)'1');
        file[0] = 0x80;
        file[1] = 2;
        file[2] = (byte)opcode;
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(Checkpoints.Refusal(file), Does.Contain(says));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void A_name_of_5000_characters_is_refused()
        => Assert.That(
            Checkpoints.Refusal(Checkpoints.Zip(new PickleWriter().Dictionary(w => w
                .Op32(PickleOpcode.BinUnicode, 5000, new byte[5000]).Tensor("0", 0, 0, [0], [1])).End())),
            Does.Contain("far too long"));

    [Test]
    [Platform(Exclude = "Win", Reason = "Windows has no pipes in its file system.")]
    public void A_pipe_is_refused_without_waiting_for_a_writer()
    {
        var folder = Directory.CreateTempSubdirectory("fpn-tests-");
        try
        {
            string pipe = Path.Combine(folder.FullName, "pipe.pth"), link = Path.Combine(folder.FullName, "link.pth");
            using (var make = Process.Start("mkfifo", [pipe]))
                make.WaitForExit();
            File.CreateSymbolicLink(link, pipe);
            foreach (var path in new[] { pipe, link })
            {
                var opening = Task.Run(() => WeightsFile.Open(path).Dispose());
                Assert.That(async () => await opening.WaitAsync(TimeSpan.FromSeconds(20)), Throws.TypeOf<WeightsException>());
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public void The_count_of_an_averaged_model_is_not_a_weight()
    {
        var pickle = new PickleWriter().Dictionary(w => w
            .Text("n_averaged").Tensor("0", 1, 0, [], [])
            .Text("module.w").Tensor("0", 1, 0, [1], [1])).End();
        using var weights = Checkpoints.Open(Checkpoints.Zip(pickle, Checkpoints.Floats(5)));
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "w" }));
    }
}
