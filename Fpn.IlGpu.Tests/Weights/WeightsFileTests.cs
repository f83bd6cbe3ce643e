using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>The content decides the format; other files are refused with a helpful sentence.</summary>
public class WeightsFileTests
{
    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void The_content_decides_the_format_not_the_name()
    {
        var path = Path.Combine(folder, "weights.pth");
        File.WriteAllBytes(path, SafetensorsFile.Good());
        using (var weights = WeightsFile.Open(path))
        {
            Assert.That(weights.Format, Is.EqualTo("safetensors"));
            Assert.That(weights.Read("a.steps"), Is.EqualTo(new[] { 1234f }));
        }
        File.Copy(Checkpoints.Fixture("views.zip.pth"), path = Path.Combine(folder, "weights.safetensors"));
        using (var weights = WeightsFile.Open(path))
            Assert.That(weights.Format, Is.EqualTo("PyTorch zip"));
    }

    [TestCase("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "is a Git LFS pointer")]
    [TestCase("\n <!doctype html><html>", "is a web page")]
    [TestCase("<HTML>", "is a web page")]
    [TestCase("\x1F\x8B\x08", "is compressed with gzip")]
    [TestCase("\x89HDF\r\n\x1A\n", "is an HDF5 file")]
    [TestCase("hello", "is not a weights file of a known format")]
    [TestCase("", "the weights file is empty")]
    [TestCase("   ", "is not a weights file of a known format")]
    [TestCase("\x80\x06.", "uses protocol 6")]
    [TestCase("{}", "is JSON without a weight_map")]
    [TestCase("{", "the index is not valid JSON")]
    [TestCase("PK\x05\x06", "directory that ends every zip file is missing")]
    public void Other_files_are_refused_and_recognised(string text, string says)
        => Assert.That(Checkpoints.Refusal(Encoding.Latin1.GetBytes(text)), Does.Contain(says));

    [Test]
    public void A_tar_archive_and_a_truncated_safetensors_file_are_refused()
    {
        var tar = new byte[1024];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Assert.That(Checkpoints.Refusal(tar), Does.Contain("is a tar archive").And.Contain("2016"));
        var cut = SafetensorsFile.Good()[..7];
        Assert.That(
            () => Checkpoints.Open(cut, "w.safetensors"),
            Throws.TypeOf<WeightsException>().With.Message.Contains("w.safetensors: the file is cut short: it has 7 bytes"));
    }

    [Test]
    public void TorchScript_and_other_archives_are_refused()
    {
        var pickle = Checkpoints.Pickle(w => w.Tensor("0", 1, 0, [], []));
        Assert.That(
            Checkpoints.Refusal(ZipWriter.Write(new("m/data.pkl", pickle), new("m/constants.pkl", []))),
            Does.Contain("is a TorchScript archive"));
        Assert.That(
            Checkpoints.Refusal(ZipWriter.Write(new("m/data.pkl", pickle), new("m/code/__torch__.py", []))),
            Does.Contain("is a TorchScript archive"));
        Assert.That(Checkpoints.Refusal(ZipWriter.Write(new ZipFile("w.npy", []))), Does.Contain("it has no data.pkl"));
        Assert.That(
            Checkpoints.Refusal(ZipWriter.Write(new("a/data.pkl", pickle), new("b/data.pkl", pickle))),
            Does.Contain("2 data.pkl files"));
    }

    [Test]
    public void A_checkpoint_without_tensors_is_refused_with_what_it_holds()
    {
        Assert.That(Instead(w => w.Int(3)), Does.Contain("holds a number, not a state dictionary"));
        Assert.That(Instead(w => w.Numbers(1, 2)), Does.Contain("holds a tuple of 2 items"));
        Assert.That(Instead(w => w.Op(PickleOpcode.EmptyDict)), Does.Contain("holds an empty dictionary"));
        Assert.That(Instead(w => w.Array("f4", "<", [1], new byte[4])), Does.Contain("holds a single tensor without a name"));
        Assert.That(
            Instead(w => w.Global("argparse", "Namespace").Op(PickleOpcode.EmptyTuple).Op(PickleOpcode.NewObj)),
            Does.Contain("holds an object of the class 'argparse.Namespace'"));
        Assert.That(
            Instead(w => w.Dictionary(w => w.Text("epoch").Int(1).Text("optimizer").Op(PickleOpcode.EmptyDict).Int(5).Int(6))),
            Does.Contain("holds a dictionary with the keys 'epoch', 'optimizer', a number, but no named tensors in it"));
        Assert.That(
            Instead(w => w.Dictionary(w => w.Text("t").Array("f4", "<", [1], new byte[4]).Text("t").Int(1))),
            Does.Contain("no named tensors"));

        static string Instead(Action<PickleWriter> write)
        {
            var writer = new PickleWriter(3);
            write(writer);
            return Checkpoints.Refusal(writer.End());
        }
    }

    [Test]
    public void A_whole_model_instead_of_a_state_dictionary_is_refused()
    {
        const string says = "holds a whole model object of the class 'torch.nn.modules.linear.Linear', not a state dictionary: "
            + "save model.state_dict() instead; none of it was run.";
        Assert.That(
            () => WeightsFile.Open(Checkpoints.Fixture("whole-model.zip.pth")),
            Throws.TypeOf<WeightsException>().With.Message.EndsWith(says));
        var legacy = new PickleWriter().Mark().Text("module").Global("torch.nn.modules.linear", "Linear")
            .Text("linear.py").Text("class Linear").Tuple().Op(PickleOpcode.BinPersId).End();
        Assert.That(Checkpoints.Refusal(Checkpoints.Legacy(legacy)), Does.EndWith(says));
        var wrapped = new PickleWriter().Dictionary(w => w
            .Text("model").Global("torch.nn.modules.linear", "Linear").Op(PickleOpcode.EmptyTuple).Op(PickleOpcode.NewObj)).End();
        Assert.That(Checkpoints.Refusal(Checkpoints.Zip(wrapped)), Does.EndWith(says));
    }

    [Test]
    public void A_missing_file_or_a_folder_is_refused()
    {
        Assert.That(
            () => WeightsFile.Open(Path.Combine(folder, "none.pth")),
            Throws.TypeOf<WeightsException>().With.Message.EndsWith("none.pth: there is no such weights file."));
        Assert.That(
            () => WeightsFile.Open(folder),
            Throws.TypeOf<WeightsException>().With.Message.Contains("is a folder with 0 files *.safetensors.index.json"));
    }
}
