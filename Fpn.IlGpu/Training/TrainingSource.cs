using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Pictures to train on that the caller has opened.</summary>
/// <param name="Source">The pictures with their boxes.</param>
/// <param name="Classes">The class names by class index, without the background.</param>
public sealed record TrainingPictures(IPictureSource Source, IReadOnlyList<string> Classes);

/// <summary>How a run takes problems with its data.</summary>
/// <param name="Path">The file that lists them.</param>
/// <param name="IsLifted">Whether to go on where more than one per cent of the data is left out.</param>
internal sealed record ProblemLimit(string Path, bool IsLifted);

/// <summary>The opened data of a run.</summary>
/// <param name="Pictures">The source of its pictures.</param>
/// <param name="Classes">The class names by class index, without the background.</param>
/// <param name="Problems">What is wrong with the data, and was skipped or corrected.</param>
internal sealed record TrainingSource(IPictureSource Pictures, IReadOnlyList<string> Classes, AnnotationProblems Problems)
{
    /// <summary>The digest of what is learned from.</summary>
    public required string Digest { get; init; }

    /// <summary>The proposals for the pictures, for Fast R-CNN; otherwise null.</summary>
    public GivenProposals? Proposals { get; init; }

    /// <summary>Returns the proposals of a sample, in input px; null if there are no proposals.</summary>
    public Func<TrainingSample, Box[]>? ProposalsOfSample
        => Proposals is null ? null : sample => Proposals.OfSample(sample, Pictures.IdOf(sample.Index));

    /// <summary>Opens the data.</summary>
    /// <param name="data">The configuration of the data.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <param name="mostProposals">The number of best proposals to use from each picture.</param>
    /// <param name="withMasks">Whether the network learns masks.</param>
    /// <param name="pictures">The pictures that the caller has opened, or null to open those that the configuration names.</param>
    /// <param name="limit">Accepts or refuses the problems.</param>
    /// <exception cref="AnnotationException">The data are missing or broken, or have no picture to train on.</exception>
    public static TrainingSource Open(
        TrainingData data, string folder, int mostProposals, bool withMasks, TrainingPictures? pictures, ProblemLimit limit)
    {
        var proposals = data.Proposals is null ? null : Path.Combine(folder, data.Proposals);
        if (pictures is null)
            return OpenFiles(data, folder, proposals, mostProposals, withMasks, limit);
        var problems = new AnnotationProblems();
        problems.AddParts(AnnotationPart.Pictures, pictures.Source.Count);
        return new TrainingSource(pictures.Source, pictures.Classes, problems)
        {
            Proposals = proposals is null ? null : GivenProposals.Read(proposals, pictures.Source, mostProposals),
            Digest = DataDigest.Of(pictures.Source, proposals),
        };
    }

    private static TrainingSource OpenFiles(
        TrainingData data, string folder, string? proposals, int mostProposals, bool withMasks, ProblemLimit limit)
    {
        if (data.Shapes is not null)
        {
            throw new AnnotationException(
                "'data.shapes' names the synthetic scenes, which the library does not draw itself: pass their pictures to Trainer.Open.");
        }
        var set = data.Coco is { } coco
            ? CocoAnnotations.Read(Path.Combine(folder, coco.Annotations), Path.Combine(folder, coco.Pictures), withMasks)
            : VocFolder.Read(Path.Combine(folder, data.Voc!.Folder), data.Voc.Split, exif: data.Exif);
        set = PictureCheck.WithoutUnusable(set, data.Exif);
        if (data.FilterEmpty)
        {
            foreach (var empty in set.Pictures.Where(picture => picture.IsEmpty))
                set.Problems.Add(AnnotationProblem.PictureEmpty, $"'{set.PathOf(empty)}'");
        }
        set.Problems.Check(limit.IsLifted, limit.Path);
        if (withMasks && !set.HasMasks)
        {
            throw new AnnotationException(
                "The detector learns masks, but no object of the data has one. COCO's format has them as 'segmentation'.");
        }
        var source = new AnnotatedSetPictures(set, keepEmpty: !data.FilterEmpty, exif: data.Exif);
        return new TrainingSource(source, [.. set.Categories.Select(c => c.Name)], set.Problems)
        {
            Proposals = proposals is null ? null : GivenProposals.Read(proposals, set, mostProposals),
            Digest = DataDigest.Of(set with { Pictures = [.. set.Pictures.Where(p => !data.FilterEmpty || !p.IsEmpty)] }, proposals),
        };
    }
}
