namespace Fpn.IlGpu.Weights;

/// <summary>The tensor names of published checkpoints, by source.</summary>
internal static class NameTables
{
    /// <summary>torchvision, before and since version 0.13.</summary>
    public static readonly NameTable Torchvision = new(
        // Since 0.13 each of these convolutions is the first module of a sequence.
        ("backbone.fpn.inner_blocks.{l}.*", "backbone.fpn.inner_blocks.{l}.0.*"),
        ("backbone.fpn.layer_blocks.{l}.*", "backbone.fpn.layer_blocks.{l}.0.*"),
        ("rpn.head.conv.*", "rpn.head.conv.0.0.*"),
        ("roi_heads.mask_head.mask_fcn{i}.*", "roi_heads.mask_head.{i-1}.0.*"),
        // RetinaNet's towers used to count their ReLUs as modules.
        ("head.classification_head.conv.{i}.*", "head.classification_head.conv.{i/2}.0.*"),
        ("head.regression_head.conv.{i}.*", "head.regression_head.conv.{i/2}.0.*"));

    /// <summary>Detectron2.</summary>
    public static readonly NameTable Detectron2 = new(
        ("backbone.bottom_up.stem.conv1.weight", "backbone.body.conv1.weight"),
        ("backbone.bottom_up.stem.conv1.norm.*", "backbone.body.bn1.*"),
        ("backbone.bottom_up.res{s}.{b}.conv{i}.weight", "backbone.body.layer{s-1}.{b}.conv{i}.weight"),
        ("backbone.bottom_up.res{s}.{b}.conv{i}.norm.*", "backbone.body.layer{s-1}.{b}.bn{i}.*"),
        ("backbone.bottom_up.res{s}.{b}.shortcut.weight", "backbone.body.layer{s-1}.{b}.downsample.0.weight"),
        ("backbone.bottom_up.res{s}.{b}.shortcut.norm.*", "backbone.body.layer{s-1}.{b}.downsample.1.*"),
        ("backbone.fpn_lateral{s}.*", "backbone.fpn.inner_blocks.{s-2}.0.*"),
        ("backbone.fpn_output{s}.*", "backbone.fpn.layer_blocks.{s-2}.0.*"),
        ("proposal_generator.rpn_head.conv.*", "rpn.head.conv.0.0.*"),
        ("proposal_generator.rpn_head.objectness_logits.*", "rpn.head.cls_logits.*"),
        ("proposal_generator.rpn_head.anchor_deltas.*", "rpn.head.bbox_pred.*"),
        ("roi_heads.box_head.fc{i}.*", "roi_heads.box_head.fc{i+5}.*"),
        ("roi_heads.mask_head.mask_fcn{i}.*", "roi_heads.mask_head.{i-1}.0.*"),
        ("roi_heads.mask_head.deconv.*", "roi_heads.mask_predictor.conv5_mask.*"),
        ("roi_heads.mask_head.predictor.*", "roi_heads.mask_predictor.mask_fcn_logits.*"),
        // The configuration holds these values.
        ("pixel_mean", null),
        ("pixel_std", null),
        ("proposal_generator.anchor_generator.cell_anchors.{l}", null));

    /// <summary>
    /// Caffe2 (Detectron, and the ImageNet backbones that Detectron2 starts from). The RPN's blobs are named after its finest
    /// level, P2, but all levels share them.
    /// </summary>
    public static readonly NameTable Caffe2 = new(
        ("conv1_w", "backbone.body.conv1.weight"),
        ("conv1_b", "backbone.body.conv1.bias"),
        ("res_conv1_bn_s", "backbone.body.bn1.weight"),
        ("res_conv1_bn_b", "backbone.body.bn1.bias"),
        ("res_conv1_bn_rm", "backbone.body.bn1.running_mean"),
        ("res_conv1_bn_riv", "backbone.body.bn1.running_var"),
        ("res{s}_{b}_branch2a_w", "backbone.body.layer{s-1}.{b}.conv1.weight"),
        ("res{s}_{b}_branch2b_w", "backbone.body.layer{s-1}.{b}.conv2.weight"),
        ("res{s}_{b}_branch2c_w", "backbone.body.layer{s-1}.{b}.conv3.weight"),
        ("res{s}_{b}_branch1_w", "backbone.body.layer{s-1}.{b}.downsample.0.weight"),
        ("res{s}_{b}_branch2a_bn_s", "backbone.body.layer{s-1}.{b}.bn1.weight"),
        ("res{s}_{b}_branch2a_bn_b", "backbone.body.layer{s-1}.{b}.bn1.bias"),
        ("res{s}_{b}_branch2a_bn_rm", "backbone.body.layer{s-1}.{b}.bn1.running_mean"),
        ("res{s}_{b}_branch2a_bn_riv", "backbone.body.layer{s-1}.{b}.bn1.running_var"),
        ("res{s}_{b}_branch2b_bn_s", "backbone.body.layer{s-1}.{b}.bn2.weight"),
        ("res{s}_{b}_branch2b_bn_b", "backbone.body.layer{s-1}.{b}.bn2.bias"),
        ("res{s}_{b}_branch2b_bn_rm", "backbone.body.layer{s-1}.{b}.bn2.running_mean"),
        ("res{s}_{b}_branch2b_bn_riv", "backbone.body.layer{s-1}.{b}.bn2.running_var"),
        ("res{s}_{b}_branch2c_bn_s", "backbone.body.layer{s-1}.{b}.bn3.weight"),
        ("res{s}_{b}_branch2c_bn_b", "backbone.body.layer{s-1}.{b}.bn3.bias"),
        ("res{s}_{b}_branch2c_bn_rm", "backbone.body.layer{s-1}.{b}.bn3.running_mean"),
        ("res{s}_{b}_branch2c_bn_riv", "backbone.body.layer{s-1}.{b}.bn3.running_var"),
        ("res{s}_{b}_branch1_bn_s", "backbone.body.layer{s-1}.{b}.downsample.1.weight"),
        ("res{s}_{b}_branch1_bn_b", "backbone.body.layer{s-1}.{b}.downsample.1.bias"),
        ("res{s}_{b}_branch1_bn_rm", "backbone.body.layer{s-1}.{b}.downsample.1.running_mean"),
        ("res{s}_{b}_branch1_bn_riv", "backbone.body.layer{s-1}.{b}.downsample.1.running_var"),
        ("fpn_inner_res{s}_{b}_sum_w", "backbone.fpn.inner_blocks.{s-2}.0.weight"),
        ("fpn_inner_res{s}_{b}_sum_b", "backbone.fpn.inner_blocks.{s-2}.0.bias"),
        ("fpn_inner_res{s}_{b}_sum_lateral_w", "backbone.fpn.inner_blocks.{s-2}.0.weight"),
        ("fpn_inner_res{s}_{b}_sum_lateral_b", "backbone.fpn.inner_blocks.{s-2}.0.bias"),
        ("fpn_res{s}_{b}_sum_w", "backbone.fpn.layer_blocks.{s-2}.0.weight"),
        ("fpn_res{s}_{b}_sum_b", "backbone.fpn.layer_blocks.{s-2}.0.bias"),
        ("conv_rpn_fpn2_w", "rpn.head.conv.0.0.weight"),
        ("conv_rpn_fpn2_b", "rpn.head.conv.0.0.bias"),
        ("rpn_cls_logits_fpn2_w", "rpn.head.cls_logits.weight"),
        ("rpn_cls_logits_fpn2_b", "rpn.head.cls_logits.bias"),
        ("rpn_bbox_pred_fpn2_w", "rpn.head.bbox_pred.weight"),
        ("rpn_bbox_pred_fpn2_b", "rpn.head.bbox_pred.bias"),
        // The classifier of an ImageNet backbone.
        ("fc1000_w", "fc1000.weight"),
        ("fc1000_b", "fc1000.bias"),
        ("fc{i}_w", "roi_heads.box_head.fc{i}.weight"),
        ("fc{i}_b", "roi_heads.box_head.fc{i}.bias"),
        ("cls_score_w", "roi_heads.box_predictor.cls_score.weight"),
        ("cls_score_b", "roi_heads.box_predictor.cls_score.bias"),
        ("bbox_pred_w", "roi_heads.box_predictor.bbox_pred.weight"),
        ("bbox_pred_b", "roi_heads.box_predictor.bbox_pred.bias"),
        ("_[mask]_fcn{i}_w", "roi_heads.mask_head.{i-1}.0.weight"),
        ("_[mask]_fcn{i}_b", "roi_heads.mask_head.{i-1}.0.bias"),
        ("conv5_mask_w", "roi_heads.mask_predictor.conv5_mask.weight"),
        ("conv5_mask_b", "roi_heads.mask_predictor.conv5_mask.bias"),
        ("mask_fcn_logits_w", "roi_heads.mask_predictor.mask_fcn_logits.weight"),
        ("mask_fcn_logits_b", "roi_heads.mask_predictor.mask_fcn_logits.bias"));
}
