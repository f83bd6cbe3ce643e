using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Pictures to learn from that the caller has opened.</summary>
/// <param name="Source">The pictures with their boxes.</param>
/// <param name="Classes">Names by class index; no background.</param>
public sealed record TrainingPictures(IPictureSource Source, IReadOnlyList<string> Classes);

/// <summary>What a run learns from, opened.</summary>
/// <param name="Pictures">Where its pictures come from.</param>
/// <param name="Classes">Names by class index; no background.</param>
/// <param name="Problems">Sentences on what was wrong with the annotations, and skipped or mended.</param>
internal sealed record TrainingSource(IPictureSource Pictures, IReadOnlyList<string> Classes, IReadOnlyList<string> Problems)
{
    /// <summary>Proposals of the pictures, for Fast R-CNN; else null.</summary>
    public GivenProposals? Proposals { get; init; }

    /// <summary>Those of a sample, in input px; null where there are none.</summary>
    public Func<TrainingSample, Box[]>? ProposalsOfSample
        => Proposals is null ? null : sample => Proposals.OfSample(sample, Pictures.IdOf(sample.Index));

    /// <summary>Opens it.</summary>
    /// <param name="data">What it is.</param>
    /// <param name="folder">What paths are relative to.</param>
    /// <param name="mostProposals">How many proposals of a picture are used, the best.</param>
    /// <param name="pictures">What to learn from, where the caller has it; else what the data name is opened.</param>
    /// <exception cref="AnnotationException">It is missing, broken, or there is nothing to learn from.</exception>
    public static TrainingSource Open(TrainingData data, string folder, int mostProposals, TrainingPictures? pictures)
    {
        var source = pictures is null ? OpenPictures(data, folder) : new TrainingSource(pictures.Source, pictures.Classes, []);
        return data.Proposals is null
            ? source
            : source with { Proposals = GivenProposals.Read(Path.Combine(folder, data.Proposals), source.Pictures, mostProposals) };
    }

    private static TrainingSource OpenPictures(TrainingData data, string folder)
    {
        if (data.Shapes is not null)
        {
            throw new AnnotationException(
                "'data.shapes' names the synthetic scenes, which the library alone does not draw: hand their pictures to Trainer.Open.");
        }
        var set = data.Coco is { } coco
            ? CocoAnnotations.Read(Path.Combine(folder, coco.Annotations), Path.Combine(folder, coco.Pictures))
            : VocFolder.Read(Path.Combine(folder, data.Voc!.Folder), data.Voc.Split);
        return new TrainingSource(
            new AnnotatedSetPictures(set), [.. set.Categories.Select(c => c.Name)], [.. set.Problems.Sentences()]);
    }
}
