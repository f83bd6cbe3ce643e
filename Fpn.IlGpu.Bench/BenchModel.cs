using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The model and the picture that a command measures, as files, so that this bench's processes and the peer read the same
/// data. The picture is noise. The picture and random weights are in a temporary folder, which is deleted on disposal.
/// </summary>
internal sealed class BenchModel : IDisposable
{
    /// <summary>fasterrcnn_resnet50_fpn with random weights.</summary>
    public const string ResNet50 = "r50";

    /// <summary>The detector that the paper compares it with: Faster R-CNN on C4 of ResNet-50, with conv5 as its head.</summary>
    public const string ResNet50C4 = "r50-c4";

    /// <summary>The model that ships with the library.</summary>
    public const string Shipped = "shipped";

    private readonly DirectoryInfo folder;

    private BenchModel(string name, PictureSize size, string extension, DirectoryInfo folder)
    {
        (Name, Size, this.folder) = (name, size, folder);
        File = name == Shipped ? null : IsRandom(name) ? Path.Combine(folder.FullName, $"{name}.{extension}") : name;
        Picture = Noise(size);
        System.IO.File.WriteAllBytes(PictureFile, Picture.Pixels);
    }

    public string Name { get; }

    public PictureSize Size { get; }

    public RgbImage Picture { get; }

    /// <summary>The weights file; null for the model that ships with the library.</summary>
    public string? File { get; }

    /// <summary>The file with the picture's bytes.</summary>
    public string PictureFile => Path.Combine(folder.FullName, "picture.rgb");

    /// <summary>The model's name for people.</summary>
    public string Title => Name switch
    {
        ResNet50 => "Faster R-CNN R50-FPN with random weights",
        ResNet50C4 => "Faster R-CNN R50-C4 with random weights",
        Shipped => "the shipped model",
        _ => Path.GetFileName(Name),
    };

    /// <summary>
    /// Creates the files. The network's input has the picture's size, except that the shipped model resizes the picture as
    /// usual.
    /// </summary>
    /// <param name="name">The model: r50, r50-c4, shipped or a checkpoint's path.</param>
    /// <param name="size">The picture's size; null for 800 × 1333, or 480 × 640 for the shipped model.</param>
    /// <param name="peer">The peer, which creates or loads the same weights; null for none.</param>
    /// <exception cref="BenchException">The peer can't run the model, or there is no such file.</exception>
    public static BenchModel Prepare(string name, PictureSize? size, TorchvisionPeer? peer)
    {
        if (name == Shipped && peer is not null)
            throw new BenchException("torchvision can't run the shipped model; use r50 or a torchvision checkpoint with --peer.");
        if (name == ResNet50C4 && peer is not null)
            throw new BenchException("torchvision has no r50-c4; use r50 or a torchvision checkpoint with --peer.");
        if (name != Shipped && !IsRandom(name) && !System.IO.File.Exists(name))
            throw new BenchException($"There is no file '{name}'; --model must be r50, r50-c4, shipped or a checkpoint.");
        var model = new BenchModel(
            name, size ?? (name == Shipped ? new PictureSize(480, 640) : new PictureSize(800, 1333)),
            peer is null ? "safetensors" : "pth", Directory.CreateTempSubdirectory("fpn-bench-"));
        try
        {
            if (peer is not null)
                model.LoadInto(peer, create: name == ResNet50);
            else if (IsRandom(name))
                OwnProcess.Run([RandomResNet50.CommandName, model.File!, .. name == ResNet50C4 ? new[] { RandomResNet50.OnC4 } : []]);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Makes the peer load the model, or create it.</summary>
    public void LoadInto(TorchvisionPeer peer, bool create) => peer.UseModel(Size, File!, create, PictureFile);

    /// <summary>Loads the model.</summary>
    /// <param name="device">The device to load it on.</param>
    /// <param name="inputSize">The size of the network's input; null for the picture's size.</param>
    /// <param name="proposals">The number of proposals; null for the model's default.</param>
    public Detector Load(Device device, PictureSize? inputSize = null, int? proposals = null)
        => Load(device, File, inputSize ?? Size, proposals);

    /// <summary>Loads a model from a file, or the shipped model.</summary>
    public static Detector Load(Device device, string? file, PictureSize inputSize, int? proposals = null)
    {
        List<string> keys = [];
        if (file is not null)
        {
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"min_size\": {Math.Min(inputSize.Height, inputSize.Width)}"));
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"max_size\": {Math.Max(inputSize.Height, inputSize.Width)}"));
        }
        if (proposals is { } count)
        {
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"rpn_post_nms_top_n\": {count}"));
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"rpn_pre_nms_top_n\": {Math.Max(1000, count)}"));
        }
        return Detector.Load(device, file, keys.Count == 0 ? null : $"{{{string.Join(", ", keys)}}}");
    }

    /// <summary>A picture of random pixels, the same on every call.</summary>
    public static RgbImage Noise(PictureSize size)
    {
        var picture = new RgbImage(size.Width, size.Height);
        new Random(1).NextBytes(picture.Pixels);
        return picture;
    }

    private static bool IsRandom(string name) => name is ResNet50 or ResNet50C4;

    /// <inheritdoc/>
    public void Dispose() => folder.Delete(recursive: true);
}
