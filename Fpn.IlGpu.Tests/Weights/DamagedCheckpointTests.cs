using System.Diagnostics;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>
/// Files of every format, cut short or changed at random: each gives its tensors or a <see cref="WeightsException"/>,
/// never anything else, in little time and memory.
/// </summary>
public class DamagedCheckpointTests
{
    private const int Mutations = 10_000;
    private const long MostBytes = 200L << 20;

    private string folder = "";

    [OneTimeSetUp]
    public void MakeFolder()
    {
        folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;
        File.WriteAllBytes(Path.Combine(folder, "w.safetensors"), SafetensorsFile.Good());
    }

    [OneTimeTearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_file_cut_short_at_any_length_is_refused()
    {
        foreach ((var name, var good) in Good())
        {
            ReadAll(good);
            var step = Math.Max(1, good.Length / 200);
            for (var length = 0; length < good.Length; length += step)
                Assert.That(TryOpen(good[..length], $"{name} of {length} bytes"), Is.Not.Null, $"{name} of {length} bytes");
        }
    }

    [Test]
    public void Ten_thousand_mutated_files_are_read_or_refused()
    {
        var random = new Random(20260721);
        (string Name, byte[] File)[] good = [.. Good()];
        var refused = new int[good.Length];
        long most = 0;
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < Mutations; i++)
        {
            var which = i % good.Length;
            var file = Mutate(good[which].File, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            if (TryOpen(file, $"mutation {i} of {good[which].Name}") is not null)
                refused[which]++;
            if (watch.Elapsed > slowest)
                slowest = watch.Elapsed;
            most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        for (var i = 0; i < good.Length; i++)
        {
            TestContext.Out.WriteLine($"{good[i].Name}: {refused[i]} of {Mutations / good.Length} refused");
            Assert.That(refused[i], Is.InRange(Mutations / good.Length / 10, Mutations / good.Length - 1), good[i].Name);
        }
        TestContext.Out.WriteLine($"at most {most} bytes allocated and {slowest.TotalMilliseconds:F0} ms");
        Assert.That(most, Is.LessThan(MostBytes));
        Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(1)));
    }

    /// <summary>Small files of every format.</summary>
    private static IEnumerable<(string Name, byte[] File)> Good()
    {
        foreach (var name in (string[])
        [
            "views.zip.pth", "views.legacy.pth", "views-protocol4.zip.pth",
            "dtypes.legacy.pth", "training.zip.pth", "training.legacy.pth",
        ])
        {
            yield return (name, File.ReadAllBytes(Checkpoints.Fixture(name)));
        }

        foreach (var protocol in (int[])[0, 2, 5])
            yield return ($"protocol {protocol}", File.ReadAllBytes(Checkpoints.Fixture($"detectron2.protocol{protocol}.pkl")));
        var pickle = Checkpoints.Pickle(w => w.Tensor("0", 6, 0, [2, 3], [1, 2]));
        yield return ("deflated zip64", ZipWriter.Write(
            new("a/data.pkl", pickle) { Deflate = true, Descriptor = true },
            new("a/data/0", Checkpoints.Floats(1, 2, 3, 4, 5, 6)) { Deflate = true, Zip64 = true }));
        yield return ("safetensors", SafetensorsFile.Good());
        yield return ("index", """{"weight_map": {"a.weight": "w.safetensors", "a.steps": "w.safetensors"}}"""u8.ToArray());
    }

    private void ReadAll(byte[] file)
    {
        using var weights = Checkpoints.Open(file, Path.Combine(folder, "model"));
        Assert.That(weights.Tensors, Is.Not.Empty);
        Checkpoints.ReadAll(weights);
    }

    /// <summary>Opens and reads a file. Returns the message if the file is refused, otherwise null.</summary>
    private string? TryOpen(byte[] file, string what)
    {
        try
        {
            using var weights = Checkpoints.Open(file, Path.Combine(folder, "model"));
            Checkpoints.ReadAll(weights);
            return null;
        }
        catch (WeightsException e)
        {
            Assert.That(e.Message, Does.StartWith(folder).And.EndsWith("."), what);
            return e.Message;
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
            throw;
        }
    }

    private static byte[] Mutate(byte[] good, Random random)
    {
        List<byte> file = [.. good];
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(file.Count), length = Math.Min(random.Next(1, 12), file.Count - at);
            switch (random.Next(8))
            {
                case 0:
                    file[at] = (byte)random.Next(256);
                    break;
                case 1:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    file[at] = (byte)(file[at] + random.Next(-2, 3));
                    break;
                case 3:
                    file[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 4:
                    // Keeps the length, so that later offsets stay right.
                    file.GetRange(random.Next(file.Count - length + 1), length).ToArray().CopyTo(
                        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(file)[at..]);
                    break;
                case 5:
                    file.RemoveRange(at, length);
                    break;
                case 6:
                    file.InsertRange(at, file.GetRange(random.Next(file.Count - length + 1), length));
                    break;
                default:
                    file.RemoveRange(at, file.Count - at);
                    break;
            }
            if (file.Count == 0)
                file.Add(0);
        }
        return [.. file];
    }
}
